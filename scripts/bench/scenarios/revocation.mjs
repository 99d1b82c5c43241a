import { ask } from '../ask.mjs'
import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { until } from '../deadline.mjs'
import { Mesh, service } from '../mesh.mjs'
import { median, number, round } from '../numbers.mjs'
import { many } from '../sockets.mjs'

const counts = { quick: { relay: 3, egress: 2, ingress: 5 }, full: { relay: 6, egress: 4, ingress: 40 } }
const times = { quick: 2, full: 5 }
const abreast = 4
const knownMs = 60_000
const bound = 5

/** How long an ingress is still answered after it was revoked, in a mesh of fifty nodes that all are processes. */
export async function revocation(bench) {
  const { options, progress, workshop } = bench
  const mode = options.quick ? 'quick' : 'full'
  const count = counts[mode]
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  const ingresses = []
  const started = { relay: 0, egress: 0, ingress: 0 }
  const start = {
    relay: (name) => mesh.relay(name),
    egress: (name) => mesh.egress(name, { [service]: { backends: [backend] } }),
    ingress: async (name) => ingresses.push(await mesh.ingress(name, { path: { trunks: 1 } })),
  }
  for (const role of ['relay', 'egress', 'ingress']) {
    // Nobody can start from a relay that is not there yet.
    await many(count[role], role === 'relay' ? 1 : abreast, async (at) => {
      started[role] += 1
      progress.step(`starting ${role} ${started[role]} of ${count[role]}`)
      await start[role](`${role}-${at + 1}`)
    })
  }
  await mesh.ready()
  const lastMs = []
  for (const bad of ingresses.slice(0, options.turns ?? times[mode])) {
    progress.step(`revoking ${bad.name}`)
    lastMs.push(await lastAnswer(mesh, bad))
  }
  const nodes = Object.values(count).reduce((sum, each) => sum + each, 0)
  const data = {
    nodes,
    times: lastMs.length,
    last_answer_ms: round(median(lastMs)),
    longest_ms: round(Math.max(...lastMs)),
  }
  return { data, block: block(data) }
}

/** Asks an ingress on and on while it is revoked: from the command to its last answer from behind the mesh, in ms. */
async function lastAnswer(mesh, { name, url }) {
  const { hostname, port } = new URL(url)
  let last = performance.now()
  let refused = 0
  let over = false
  const asking = (async () => {
    while (!over) {
      const { status } = await ask({ hostname, port, path: '/' })
      if (status === 200) last = performance.now()
      else refused += 1
    }
  })()
  const startMs = performance.now()
  last = startMs
  try {
    await mesh.revoke(name)
    await until(knownMs, `the end of ${name}`, () => refused > 1)
  } finally {
    over = true
    await asking
  }
  return last - startMs
}

function block(data) {
  return {
    title: `A revoked ingress in a mesh of ${data.nodes} nodes`,
    columns: ['times', 'last answer after, median s', 'longest s'],
    rows: [[number(data.times, 0), number(data.last_answer_ms / 1000, 2), number(data.longest_ms / 1000, 2)]],
    budget: [
      budgeted('last answer to an ingress after its revocation', round(data.longest_ms / 1000), 's', { atMost: bound }),
    ],
    notes: [
      'From the start of `postern revoke`, which itself takes a second. All nodes share the cores of this machine.',
    ],
  }
}
