import { startBackend } from '../backend.mjs'
import { Mesh } from '../mesh.mjs'
import { flatness } from './flatness.mjs'

const counts = [1, 64, 1000]

/** Three pairs of ingress and egress in one mesh, which differ in the number of services between them. */
export async function services(bench) {
  const { progress, workshop } = bench
  progress.step('starting a mesh of three egresses and three ingresses')
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  const most = Math.max(...counts)
  const limits = { recordsPerEgress: most, registrationsPerSecond: most, lookupsPerSecond: most }
  await mesh.relay('relay', { limits })
  const pairs = counts.map((count) => ({ count, names: Array.from({ length: count }, (_, at) => `of-${count}-${at}`) }))
  for (const { count, names } of pairs) {
    const offered = Object.fromEntries(names.map((name) => [name, { backends: [backend] }]))
    await mesh.egress(`egress-${count}`, offered, [`of-${count}-*`])
  }
  const each = []
  for (const { count, names } of pairs) {
    const routes = names.map((service, at) => ({ path: `/r/${String(at).padStart(5, '0')}`, service }))
    const settings = { path: { relays: 1 }, routes }
    each.push({ count, ingress: await mesh.ingress(`ingress-${count}`, settings, [`of-${count}-*`]) })
  }
  await mesh.ready()
  const notes = ['Each service has a route of its own; requests ask for each in turn.']
  return flatness(bench, { what: 'services', title: 'Many services', mesh, each, notes })
}
