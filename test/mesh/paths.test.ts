import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, type KitMesh, meshOf } from '@postern/test-kit'

const peersOf = (mesh: KitMesh) => ({
  relays: mesh.relays.map(({ node }) => node.parts.mesh.peer),
  egresses: mesh.egresses.map(({ node }) => node.parts.mesh.peer),
})

for (const pathRelays of [1, 2, 3]) {
  test(`a request goes over ${pathRelays} different relays when that many are asked for`, async () => {
    await using backend = await backendOf((_request, response) => response.end('hidden'))
    await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [backend.url], pathRelays })
    assert.equal(await (await fetch(mesh.url)).text(), 'hidden')
    const hops = (await mesh.ingresses[0]?.node.parts.mesh.trace('api')) ?? []
    const { egresses, relays } = peersOf(mesh)
    assert.equal(hops.length, pathRelays + 1)
    assert.equal(hops.at(-1)?.peer, egresses[0])
    const on = hops.slice(0, -1).map(({ peer }) => peer)
    assert.equal(new Set(on).size, pathRelays)
    for (const peer of on) assert.ok(relays.includes(peer))
  })
}

test('with fewer relays than a way is to have there is no way, rather than a shorter one', async () => {
  await using backend = await backendOf((_request, response) => response.end('hidden'))
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 1, backends: [backend.url] })
  const ingress = { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }], path: { relays: 2 } }
  const { node } = await mesh.add('ingress', 'ingress', { ingress })
  const response = await fetch(node.status().ingress?.urls[0] ?? '')
  assert.equal(response.status, 503)
  assert.equal(((await response.json()) as { code: string }).code, 'SERVICE_UNREACHABLE')
  assert.equal(backend.requests, 0)
})

test('the egress and the ingress listen nowhere in the mesh, and meet no relay but those they chose', async () => {
  await using backend = await backendOf((_request, response) => response.end('hidden'))
  await using mesh = await meshOf({ relays: 5, ingresses: 1, egresses: 1, backends: [backend.url] })
  assert.equal(await (await fetch(mesh.url)).text(), 'hidden')
  for (const { node } of [...mesh.egresses, ...mesh.ingresses]) {
    const { addresses, entries, guards } = node.parts.mesh.status()
    assert.deepEqual(addresses, [])
    const links = node.parts.mesh.peers().filter(({ over }) => over === 'link')
    assert.ok(links.every(({ direction, roles }) => direction === 'outbound' && roles.includes('relay')))
    assert.ok(links.length <= ((guards ?? entries)?.chosen ?? 0))
  }
})
