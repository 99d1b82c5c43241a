import { warmUp } from './loads.mjs'
import { cpuOf, forgetPeaks, peaksOf, rssOf } from './nodes.mjs'
import { transfer } from './transfer.mjs'
import { wrk } from './wrk.mjs'

const turnsOf = { quick: 2, full: 5 }

/**
 * Puts every load on every side in turns: A, B, A, B. Sides are `{ name, url, nodes, request }`, where `request` says
 * what of a load's is another for this side. Yields samples `{ side, turn, figures, rss, peaks, errors, failed }`, one
 * for each side and turn: `rss` has the MB of each node after the loads of the turn, `peaks` the most it held in each
 * load, `failed` the keys of figures in whose window requests failed.
 */
export async function compare({ sides, loads, options, tools, workshop, progress }) {
  const mode = options.quick ? 'quick' : 'full'
  const turns = options.turns ?? turnsOf[mode]
  const chosen = loads.filter((load) => load[`${mode}S`] !== undefined)
  const put = async (load, side) => {
    forgetPeaks(side.nodes)
    const beforeUs = cpuOf(side.nodes)
    const window = await windowOf(load, side, options.seconds ?? load[`${mode}S`])
    return { ...window, cpuUs: cpuOf(side.nodes) - beforeUs }
  }
  const windowOf = (load, side, seconds) => {
    if (load.transfer) return transfer({ url: side.url, ...load.transfer })
    const { path, ...request } = { ...load.request, ...side.request }
    return wrk({ workshop, tools, url: `${side.url}${path}`, seconds, ...request })
  }
  for (const side of sides) {
    progress.step(`${warmUp.name}: ${side.name}`)
    await put(warmUp, side)
  }
  const samples = []
  for (let turn = 1; turn <= turns; turn += 1) {
    const taken = sides.map((side) => ({
      side: side.name,
      turn,
      figures: {},
      rss: {},
      peaks: {},
      errors: 0,
      failed: [],
    }))
    for (const load of chosen) {
      for (const [at, side] of sides.entries()) {
        progress.step(`turn ${turn} of ${turns}: ${load.name}, ${side.name}`)
        const window = await put(load, side)
        const found = load.figures(window)
        Object.assign(taken[at].figures, found)
        taken[at].peaks[load.name] = peaksOf(side.nodes)
        taken[at].errors += window.errors
        if (window.errors > 0) taken[at].failed.push(...Object.keys(found))
      }
    }
    for (const [at, side] of sides.entries()) {
      taken[at].rss = rssOf(side.nodes)
      taken[at].figures.rss_mb = Math.max(...Object.values(taken[at].rss))
    }
    samples.push(...taken)
  }
  return samples
}
