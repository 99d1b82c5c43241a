import { startBackend } from '../backend.mjs'
import { Mesh, service } from '../mesh.mjs'
import { flatness } from './flatness.mjs'

const counts = [1, 1000, 10_000]

/** Three ingresses of one mesh, which differ in the number of their routes. */
export async function routes(bench) {
  const { progress, workshop } = bench
  progress.step('starting a mesh of three ingresses')
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  const relay = await mesh.relay('relay')
  const egress = await mesh.egress('egress', { [service]: { backends: [backend] } })
  const each = []
  for (const count of counts) {
    const settings = { path: { relays: 1 }, routes: Array.from({ length: count }, (_, at) => routeTo(at)) }
    const ingress = await mesh.ingress(`ingress-${count}`, settings)
    each.push({ count, url: ingress.url, nodes: [ingress, relay, egress] })
  }
  await mesh.ready()
  const notes = ['Routes are path prefixes of one service; requests ask for each in turn.']
  return flatness(bench, { what: 'routes', title: 'Many routes', each, notes })
}

function routeTo(at) {
  return { path: `/r/${String(at).padStart(5, '0')}`, service }
}
