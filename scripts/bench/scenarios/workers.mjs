import { startBackend } from '../backend.mjs'
import { compare } from '../compare.mjs'
import { cpu, rate } from '../loads.mjs'
import { ingressConfig, Mesh, service } from '../mesh.mjs'
import { number } from '../numbers.mjs'
import { mediansOf } from './small-loads.mjs'

const counts = [0, 1, 2]
const loads = [
  {
    name: '256 connections',
    request: { path: '/', connections: 256 },
    quickS: 2,
    fullS: 5,
    figures: (window) => ({ requests_per_s: rate(window), cpu_us_per_request: cpu(window) }),
  },
]

/** Ingresses that differ in their worker threads, before one egress without any. */
export async function workers(bench) {
  const { progress, workshop } = bench
  progress.step('starting a mesh with ingresses of no, one and two workers')
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  await mesh.relay('relay')
  await mesh.egress('egress', { [service]: { backends: [backend] } })
  const ingresses = []
  for (const count of counts) {
    const name = `ingress-${count}`
    await mesh.issue('ingress', name, [`--service=${service}`])
    ingresses.push(await mesh.up(name, { workers: count, ...ingressConfig({ path: { relays: 1 } }) }))
  }
  await mesh.ready()
  const sides = ingresses.map(({ name, url }) => ({ name, url, nodes: mesh.nodes }))
  const found = mediansOf(await compare({ ...bench, sides, loads }))
  const data = counts.map((count, at) => ({ workers: count, ...found[at] }))
  return { data, block: block(data) }
}

function block(data) {
  const [alone] = data
  return {
    title: 'Worker threads of an ingress',
    columns: ['workers', 'requests/s, 256 connections', 'beside none', 'CPU µs per request'],
    rows: data.map((each) => [
      String(each.workers),
      number(each.requests_per_s, 0),
      `${number(each.requests_per_s / alone.requests_per_s, 2)}×`,
      number(each.cpu_us_per_request, 0),
    ]),
    budget: [],
    notes: ['All nodes, the client and the backend share the cores of one machine: what a worker takes, others lack.'],
  }
}
