import { cpu, rate } from '../loads.mjs'
import { mapValues, median, round } from '../numbers.mjs'

/** Loads of small requests by which meshes are compared with each other. */
export const smallLoads = [
  {
    name: '64 connections',
    request: { path: '/', connections: 64 },
    quickS: 2,
    fullS: 4,
    figures: (window) => ({ requests_per_s: rate(window), cpu_us_per_request: cpu(window) }),
  },
  {
    name: 'one connection',
    request: { path: '/', connections: 1 },
    quickS: 2,
    fullS: 3,
    figures: (window) => ({ p50_ms_1: window.p50Ms, cpu_us_per_request_1: cpu(window) }),
  },
]

/** For each side, in their order, the medians of its figures over the turns. Throws when requests failed. */
export function mediansOf(samples) {
  const failed = samples.find(({ errors }) => errors > 0)
  if (failed !== undefined) throw new Error(`${failed.errors} requests through ${failed.side} failed`)
  const names = [...new Set(samples.map(({ side }) => side))]
  return names.map((name) => {
    const own = samples.filter(({ side }) => side === name)
    return mapValues(own[0].figures, (_, key) => round(median(own.map(({ figures }) => figures[key]))))
  })
}
