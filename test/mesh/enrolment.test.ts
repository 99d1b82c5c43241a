import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type Authority,
  loadAuthority,
  loadKey,
  makeInvite,
  rotateAuthority,
  rotateSecret,
  sealCredential,
} from '@postern/identity'
import { backendOf, eventually, type KitMesh, type KitNode, meshOf, steadily } from '@postern/test-kit'

const door = { ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] } }
const statusAt = async (url: string) => (await fetch(url)).status
const urlOf = ({ node }: KitNode) => node.status().ingress?.urls[0] ?? ''
const countOf = ({ node }: KitNode, name: string) => node.status().counters[name] ?? 0
const authorityNow = (mesh: KitMesh): Promise<Authority> => loadAuthority(mesh.authority.folder)

/** Gives a node that is to start a credential of a short life. */
const brief = (mesh: KitMesh, lifeMs: number) => async (folder: string) => {
  const peer = loadKey(join(folder, 'state', 'node.key')).peerId.toString()
  const grant = { peer, name: 'brief', roles: ['ingress'], services: ['api'], lifeMs } as const
  writeFileSync(join(folder, 'state', 'credential.jws'), await sealCredential(grant, mesh.authority.signatory))
}

test('a credential is renewed at two thirds of its life, again and again, and no answer under way notices', async () => {
  await using backend = await backendOf((request, response) => {
    if (request.url === '/slow') response.writeHead(200).write('the first of it')
    else response.end('ok')
  })
  await using mesh = await meshOf({ relays: 2, ingresses: 0, egresses: 1, authorities: 1, backends: [backend.url] })
  const node = await mesh.add('brief', 'ingress', door, ['api'], brief(mesh, 6000))
  await eventually('it serves', async () => (await statusAt(urlOf(node))) === 200)
  const asked = httpRequest(`${urlOf(node)}/slow`).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let broken = false
  answer.resume().on('error', () => {
    broken = true
  })
  const links = node.node.parts.mesh.peers().filter(({ over }) => over === 'link').length
  const before = node.node.parts.member.credential
  await eventually('it was renewed twice', () => countOf(node, 'credential_renewals{ok}') >= 2)
  await eventually('its first credential has ended', () => Date.now() > before.expiresMs)
  assert.equal(await statusAt(urlOf(node)), 200)
  assert.equal(broken, false)
  assert.equal(node.node.parts.mesh.peers().filter(({ over }) => over === 'link').length, links)
  for (const each of [...mesh.relays, ...mesh.egresses]) {
    assert.equal(countOf(each, 'members_cut{CREDENTIAL_EXPIRED}'), 0, each.name)
    assert.ok(countOf(each, 'renewals_learned') > 0, each.name)
  }
  asked.destroy()
})

test('every role renews: relays, an egress behind its guards, an ingress, and the authority itself', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, authorities: 1, backends: [backend.url] })
  const all = [...mesh.relays, ...mesh.ingresses, ...mesh.egresses, ...mesh.authorities]
  for (const { name, node } of all) {
    const { id } = node.parts.member.credential
    await node.parts.renewal.renew()
    assert.notEqual(node.parts.member.credential.id, id, name)
  }
  assert.equal(await statusAt(mesh.url), 200)
})

test('a member that asks the authority again and again is told to wait, and others are answered', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, authorities: 1, backends: [backend.url] })
  const [eager, other] = [...mesh.ingresses, ...mesh.egresses] as [KitNode, KitNode]
  for (let asked = 0; asked < 6; asked++) await eager.node.parts.renewal.renew()
  await assert.rejects(eager.node.parts.renewal.renew(), { code: 'BUSY', remedy: /minute/ })
  await other.node.parts.renewal.renew()
})

test('without an authority a renewal fails with what to do, and the node goes on', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: [backend.url] })
  const [ingress] = mesh.ingresses as [KitNode]
  await assert.rejects(ingress.node.parts.renewal.renew(), { code: 'NO_AUTHORITY', remedy: /authority/ })
  assert.equal(await statusAt(mesh.url), 200)
})

test('who is invited joins over the mesh and serves; the same invite is good for nobody else', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 0, egresses: 1, authorities: 1, backends: [backend.url] })
  const grant = { name: 'door', roles: ['ingress'], services: ['api'], lifeMs: 3600_000 } as const
  const { text } = await makeInvite(await authorityNow(mesh), grant, 60_000)
  const node = await mesh.join(text, 'door', door)
  await eventually('it serves', async () => (await statusAt(urlOf(node))) === 200)
  await assert.rejects(mesh.join(text, 'other', door), { code: 'INVITE_USED' })
  const [authority] = mesh.authorities as [KitNode]
  assert.equal(countOf(authority, 'enrolments{invite}'), 1)
  assert.equal(countOf(authority, 'enrolments_refused{INVITE_USED}'), 1)
})

test('the authority is hidden as an egress is: it listens nowhere, and relays alone are its neighbours', async () => {
  await using mesh = await meshOf({ relays: 3, ingresses: 0, egresses: 0, authorities: 1, backends: [] })
  const [{ node }] = mesh.authorities as [KitNode]
  assert.deepEqual(node.parts.mesh.status().addresses, [])
  const links = node.parts.mesh.peers().filter(({ over }) => over === 'link')
  assert.ok(
    links.length > 0 && links.every(({ direction, roles }) => direction === 'outbound' && roles.includes('relay')),
  )
})

test('authority key and mesh secret are replaced under load, nobody loses a request, and then the old ones are refused', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, authorities: 1, backends: [backend.url] })
  const old = await authorityNow(mesh)
  await using asked = steadily(mesh.url)
  const { oldUntilMs } = await rotateAuthority(old, 8000)
  await rotateSecret(await authorityNow(mesh), 8000)
  const all = [...mesh.relays, ...mesh.ingresses, ...mesh.egresses, ...mesh.authorities]
  await eventually('all have the bulletin', () => all.every(({ node }) => node.status().bulletin.sequence === 2))
  await eventually('the old ones have ended', () => Date.now() > oldUntilMs)
  const seen = asked.statuses.length
  await eventually('requests go on', () => asked.statuses.length > seen + 50)
  await asked[Symbol.asyncDispose]()
  assert.deepEqual([...new Set(asked.statuses)], [200])
  for (const each of all) {
    assert.equal(countOf(each, 'members_cut{CREDENTIAL_EXPIRED}'), 0, each.name)
    assert.equal(each.node.parts.member.bulletin.secrets.length, 1)
  }
  const [relay] = mesh.relays as [KitNode]
  const grant = { name: 'late', roles: ['ingress'], services: ['api'], lifeMs: 3600_000 } as const
  const late = await sealCredential({ ...grant, peer: relay.node.parts.mesh.peer }, old.signatory)
  await assert.rejects(relay.node.parts.member.verifier.credential(late, relay.node.parts.mesh.peer), {
    code: 'CREDENTIAL_WRONG_MESH',
  })
  const { text } = await makeInvite(await authorityNow(mesh), grant, 60_000)
  const joined = await mesh.join(text, 'late', door)
  await eventually('one who joins now serves', async () => (await statusAt(urlOf(joined))) === 200)
})
