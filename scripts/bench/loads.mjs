import { bulkBytes } from './backend.mjs'

/**
 * The loads of one turn, in order, with the seconds each lasts and the figures that its window yields. A window is what
 * wrk reported, with `cpuUs`, the CPU time that the three nodes took in it. A load without `quickS` is left out of the
 * quick run.
 */
export const loads = [
  {
    name: '64 connections',
    request: { path: '/', connections: 64 },
    quickS: 3,
    fullS: 10,
    figures: (window) => ({ requests_per_s: rate(window), cpu_us_per_request: cpu(window) }),
  },
  {
    name: '256 connections',
    request: { path: '/', connections: 256 },
    fullS: 10,
    figures: (window) => ({ requests_per_s_256: rate(window), cpu_us_per_request_256: cpu(window) }),
  },
  {
    name: 'one connection',
    request: { path: '/', connections: 1 },
    quickS: 2,
    fullS: 6,
    figures: (window) => ({ p50_ms_1: window.p50Ms, p99_ms_1: window.p99Ms, cpu_us_per_request_1: cpu(window) }),
  },
  {
    name: 'download',
    request: { path: '/10m', connections: 1 },
    quickS: 2,
    fullS: 6,
    figures: (window) => ({ bulk_mb_per_s: bulk(window) }),
  },
  {
    name: 'upload',
    request: { path: '/upload', connections: 1, uploadBytes: bulkBytes },
    quickS: 2,
    fullS: 6,
    figures: (window) => ({ upload_mb_per_s: bulk(window) }),
  },
]

/** Before anything is measured: code that has not run hot yet is no measure of code that has. */
export const warmUp = { name: 'warming up', request: { path: '/', connections: 64 }, quickS: 2, fullS: 5 }

const rate = ({ requests, seconds }) => requests / seconds
const cpu = ({ cpuUs, requests }) => cpuUs / requests

/** From the mean time of a whole transfer, because a window seldom ends with one. */
const bulk = ({ meanMs }) => bulkBytes / 1e6 / (meanMs / 1000)
