import { setTimeout } from 'node:timers/promises'
import { startBackend } from '../backend.mjs'
import { Mesh } from '../mesh.mjs'
import { cpuOf } from '../nodes.mjs'
import { round } from '../numbers.mjs'
import { flatness } from './flatness.mjs'

const counts = [1, 64, 1000]
/** The longest after which a service is looked for again, or registered: what is done when nothing is asked comes in this. */
const idleS = 100
const windowS = 15
const turns = 2
const readyMs = 180_000

/** Three meshes that differ in the number of services between their ingress and their egress. */
export async function services(bench) {
  const { options, progress, workshop } = bench
  const backend = await startBackend(bench)
  const each = []
  for (const count of counts) {
    progress.step(`starting a mesh of ${count} services`)
    const startMs = performance.now()
    const mesh = await meshOf(workshop, backend, count)
    const readyS = (performance.now() - startMs) / 1000
    each.push({ count, nodes: mesh.nodes, url: mesh.nodes.at(-1).url, more: { ready_s: round(readyS) } })
  }
  progress.step('looking at what they do when nothing is asked')
  const before = each.map(({ nodes }) => cpuOf(nodes))
  await setTimeout(idleS * 1000)
  for (const [at, { more, nodes }] of each.entries())
    more.idle_cpu_percent = round((cpuOf(nodes) - before[at]) / (idleS * 10_000))
  const columns = { idle_cpu_percent: 'idle: % of a core', ready_s: 'start-up of the mesh, s' }
  const notes = [
    'Each service has a route of its own; requests ask for each in turn. CPU has in it what the nodes do when nothing ' +
      'is asked. Start-up is of three nodes.',
  ]
  const whole = { ...options, turns: options.turns ?? turns, seconds: Math.max(windowS, options.seconds ?? 0) }
  return flatness({ ...bench, options: whole }, { what: 'services', title: 'Many services', each, columns, notes })
}

/** A mesh of one relay that takes so many records, ready. */
async function meshOf(workshop, backend, count) {
  const most = Math.max(...counts)
  const names = Array.from({ length: count }, (_, at) => `of-${count}-${at}`)
  const mesh = await Mesh.found(workshop, `authority-${count}`)
  await mesh.relay(`relay-${count}`, { limits: { recordsPerEgress: most } })
  const offered = Object.fromEntries(names.map((name) => [name, { backends: [backend] }]))
  await mesh.egress(`egress-${count}`, offered, [`of-${count}-*`])
  const routes = names.map((service, at) => ({ path: `/r/${String(at).padStart(5, '0')}`, service }))
  await mesh.ingress(`ingress-${count}`, { path: { relays: 1 }, routes }, [`of-${count}-*`])
  await mesh.ready(readyMs)
  return mesh
}
