import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { compare } from '../compare.mjs'
import { Mesh, service } from '../mesh.mjs'
import { number } from '../numbers.mjs'
import { mediansOf, smallLoads } from './small-loads.mjs'

const counts = [1, 2, 3]

/** The way from one egress to three ingresses, which differ in the relays on it. */
export async function relays(bench) {
  const { progress, workshop } = bench
  progress.step('starting a mesh of three relays and three ingresses')
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  for (const count of counts) await mesh.relay(`relay-${count}`)
  await mesh.egress('egress', { [service]: { backends: [backend] } })
  const ingresses = []
  for (const count of counts) ingresses.push(await mesh.ingress(`ingress-${count}`, { path: { relays: count } }))
  await mesh.ready()
  for (const [at, { ask, name }] of ingresses.entries()) {
    const hops = await ask(`/trace/${service}`)
    if (hops.length !== counts[at] + 1) throw new Error(`the way of ${name} has ${hops.length - 1} relays`)
  }
  const sides = ingresses.map(({ name, url }) => ({ name, url, nodes: mesh.nodes }))
  const found = mediansOf(await compare({ ...bench, sides, loads: smallLoads }))
  const data = counts.map((count, at) => ({ relays: count, ...found[at] }))
  const steps = data.slice(1).map((each, at) => ({
    cpu: 100 * (each.cpu_us_per_request / data[at].cpu_us_per_request - 1),
    p50: each.p50_ms_1 - data[at].p50_ms_1,
  }))
  return { data, block: block(data, steps) }
}

function block(data, steps) {
  const most = (key) => Math.max(...steps.map((step) => step[key]))
  return {
    title: 'Further relays on the way',
    columns: [
      'relays',
      'requests/s, 64 connections',
      'CPU µs per request',
      'CPU µs, one connection',
      'p50 ms, one connection',
    ],
    rows: data.map((each) => [
      String(each.relays),
      number(each.requests_per_s, 0),
      number(each.cpu_us_per_request, 0),
      number(each.cpu_us_per_request_1, 0),
      number(each.p50_ms_1, 2),
    ]),
    budget: [
      budgeted('CPU per request of each further relay, 64 connections', most('cpu'), '%', { atMost: 20 }),
      budgeted('p50 of each further relay, one connection', most('p50'), 'ms', { atMost: 0.4 }),
    ],
    notes: ['CPU is of all nodes of the mesh. There is no way without a relay: an egress opens no port.'],
  }
}
