import { bulkBytes } from './backend.mjs'

const largeBytes = 1_000_000_000

/**
 * The loads of one turn, in order, with the seconds each lasts and the figures that its window yields. A window is what
 * wrk or a transfer reported, with `cpuUs`, the CPU time that the nodes took in it. A load without `quickS` is left out
 * of the quick run. `group` is the scenario it belongs to.
 */
export const loads = [
  {
    name: '64 connections',
    group: 'requests',
    request: { path: '/', connections: 64 },
    quickS: 3,
    fullS: 6,
    figures: (window) => ({
      requests_per_s: rate(window),
      cpu_us_per_request: cpu(window),
      p50_ms_64: window.p50Ms,
      p99_ms_64: window.p99Ms,
    }),
  },
  {
    name: '256 connections',
    group: 'requests',
    request: { path: '/', connections: 256 },
    fullS: 6,
    figures: (window) => ({
      requests_per_s_256: rate(window),
      cpu_us_per_request_256: cpu(window),
      p50_ms_256: window.p50Ms,
      p99_ms_256: window.p99Ms,
    }),
  },
  {
    name: 'one connection',
    group: 'requests',
    request: { path: '/', connections: 1 },
    quickS: 2,
    fullS: 4,
    figures: (window) => ({
      p50_ms_1: window.p50Ms,
      p99_ms_1: window.p99Ms,
      requests_per_s_1: rate(window),
      cpu_us_per_request_1: cpu(window),
    }),
  },
  {
    name: 'download',
    group: 'bulk',
    request: { path: '/10m', connections: 1 },
    quickS: 2,
    fullS: 4,
    figures: (window) => ({ bulk_mb_per_s: bulk(window) }),
  },
  {
    name: 'upload',
    group: 'bulk',
    request: { path: '/upload', connections: 1, uploadBytes: bulkBytes },
    quickS: 2,
    fullS: 4,
    figures: (window) => ({ upload_mb_per_s: bulk(window) }),
  },
  {
    name: 'download of 1 GB',
    group: 'bulk',
    transfer: { path: '/1g', bytes: largeBytes },
    fullS: 0,
    figures: (window) => ({ bulk_1gb_mb_per_s: bulk(window, largeBytes) }),
  },
  {
    name: 'upload of 1 GB',
    group: 'bulk',
    transfer: { path: '/receive', bytes: largeBytes, upload: true },
    fullS: 0,
    figures: (window) => ({ upload_1gb_mb_per_s: bulk(window, largeBytes) }),
  },
]

/** Before anything is measured: code that has not run hot yet is no measure of code that has. */
export const warmUp = { name: 'warming up', request: { path: '/', connections: 64 }, quickS: 2, fullS: 15 }

export const rate = ({ requests, seconds }) => requests / seconds
export const cpu = ({ cpuUs, requests }) => cpuUs / requests

/** From the mean time of a whole transfer, because a window seldom ends with one. */
const bulk = ({ meanMs }, bytes = bulkBytes) => bytes / 1e6 / (meanMs / 1000)
