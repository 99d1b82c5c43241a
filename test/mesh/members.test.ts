import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { issueNode, loadKey, loadMember, sealCredential } from '@postern/identity'
import { backendOf, eventually, type KitMesh, meshOf } from '@postern/test-kit'

const ingressConfig = { ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] } }

async function refusedAt(mesh: KitMesh, counter: RegExp): Promise<void> {
  const counted = () =>
    mesh.relays.some(({ node }) =>
      Object.entries(node.status().counters).some(([name, count]) => counter.test(name) && count > 0),
    )
  await eventually(`a relay has counted ${String(counter)}`, counted)
}

test('a node of another mesh is refused at the knock, and is linked to nobody', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 1, backends: [backend.url] })
  await using other = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [backend.url] })
  const stranger = await other.add('stranger', 'ingress', ingressConfig, ['api'], (folder) => {
    const file = join(folder, 'mesh.json')
    const own = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, JSON.stringify({ ...own, bootstrap: mesh.authority.mesh.bootstrap }))
  })
  await refusedAt(mesh, /^knocks_refused\{wrong\}$/)
  assert.equal(stranger.node.parts.mesh.peers().filter(({ roles }) => roles.length > 0).length, 0)
})

test('a node that knows the secret but whose credential another authority has signed is refused, and no one else notices', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [backend.url] })
  await using other = await meshOf({ relays: 0, ingresses: 0, egresses: 0, backends: [] })
  const { mesh: real, signatory } = mesh.authority
  // A forger knows all that is public, and the secret: the mesh's id, which is in the prologue of Noise, and the key's.
  const forger = await other.add('forger', 'ingress', ingressConfig, ['api'], async (folder) => {
    const peer = loadKey(join(folder, 'state', 'node.key')).peerId.toString()
    const draft = { peer, name: 'forger', roles: ['ingress'], services: ['api'], lifeMs: 60_000 } as const
    const credential = await sealCredential(draft, { ...other.authority.signatory, mesh: real.id, kid: signatory.kid })
    const keys = other.authority.mesh.keys.map((key) => Object.assign({}, key, { kid: signatory.kid }))
    writeFileSync(join(folder, 'state', 'credential.jws'), credential)
    writeFileSync(join(folder, 'mesh.json'), JSON.stringify({ ...real, keys }))
    cpSync(join(mesh.authority.folder, 'mesh.secret'), join(folder, 'mesh.secret'))
  })
  await refusedAt(mesh, /^links_refused\{CREDENTIAL_INVALID\}$/)
  assert.deepEqual(forger.node.parts.mesh.peers(), [])
  assert.equal(await (await fetch(mesh.url)).text(), 'ok')
})

test('an ingress may call only the services that its credential covers, whatever its config says', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 0, egresses: 1, backends: [backend.url] })
  await assert.rejects(mesh.add('narrow', 'ingress', ingressConfig, ['other']), { code: 'CREDENTIAL_REFUSED' })
})

test('an egress may offer only the services that its credential covers, whatever its config says', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [backend.url] })
  const expose = [{ methods: ['*'], path: '/**' }]
  const egress = { egress: { services: { api: { backends: [backend.url], expose } } } }
  await assert.rejects(mesh.add('liar', 'egress', egress, ['other']), { code: 'CREDENTIAL_REFUSED' })
})

test('a credential that has expired keeps a node from starting, with what to do', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const folder = join(mesh.authority.folder, '..', 'old')
  const past = { now: () => Date.now() - 3600_000 }
  await issueNode({ ...mesh.authority, clock: past }, folder, {
    name: 'old',
    roles: ['relay'],
    services: [],
    lifeMs: 60_000,
  })
  await assert.rejects(loadMember(join(folder, 'mesh.json'), join(folder, 'state')), { code: 'CREDENTIAL_EXPIRED' })
})
