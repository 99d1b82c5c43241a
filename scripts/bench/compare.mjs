import { loads, warmUp } from './loads.mjs'
import { cpuUs, rssMb } from './proc.mjs'
import { wrk } from './wrk.mjs'

const turns = { quick: 2, full: 5 }

/**
 * Puts every load on every side in turns: mesh, yardstick, mesh, yardstick. Yields samples `{ side, turn, figures,
 * rss, errors }`, one for each side and turn, where `rss` has the MB of each node after the loads of the turn.
 */
export async function compare({ sides, options, tools, workshop, progress }) {
  const mode = options.quick ? 'quick' : 'full'
  const chosen = loads.filter((load) => load[`${mode}S`] !== undefined)
  const put = async (load, side) => {
    const { path, ...request } = load.request
    const beforeUs = total(side)
    const window = await wrk({ workshop, tools, url: `${side.url}${path}`, seconds: load[`${mode}S`], ...request })
    return { ...window, cpuUs: total(side) - beforeUs }
  }
  for (const side of sides) {
    progress.step(`${warmUp.name} the ${side.name}`)
    await put(warmUp, side)
  }
  const samples = []
  for (let turn = 1; turn <= turns[mode]; turn += 1) {
    const taken = sides.map((side) => ({ side: side.name, turn, figures: {}, rss: {}, errors: 0 }))
    for (const load of chosen) {
      for (const [at, side] of sides.entries()) {
        progress.step(`turn ${turn} of ${turns[mode]}: ${load.name}, ${side.name}`)
        const window = await put(load, side)
        Object.assign(taken[at].figures, load.figures(window))
        taken[at].errors += window.errors
      }
    }
    for (const [at, side] of sides.entries()) {
      taken[at].rss = Object.fromEntries(side.nodes.map(({ name, pid }) => [name, rssMb(pid)]))
      taken[at].figures.rss_mb = Math.max(...Object.values(taken[at].rss))
    }
    samples.push(...taken)
  }
  return samples
}

function total({ nodes }) {
  return nodes.reduce((sum, { pid }) => sum + cpuUs(pid), 0)
}
