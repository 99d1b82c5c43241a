import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadKey, revoke, sealCredential } from '@postern/identity'
import { backendOf, eventually, type KitNode, meshOf, steadily } from '@postern/test-kit'

const door = { ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api', answerMs: 3000 }] } }

const sequenceOf = ({ node }: KitNode) => node.status().bulletin.sequence
const cutOf = ({ node }: KitNode, code: string) => node.status().counters[`members_cut{${code}}`] ?? 0
const statusAt = async (url: string) => (await fetch(url)).status

async function openAnswer(url: string): Promise<IncomingMessage> {
  const asked = httpRequest(`${url}/slow`).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

test('a revoked ingress is cut off in the midst of an answer and gets no other, while everyone else loses nothing', async () => {
  await using backend = await backendOf((request, response) => {
    if (request.url === '/slow') response.writeHead(200).write('the first of it')
    else response.end('ok')
  })
  await using mesh = await meshOf({
    relays: 3,
    ingresses: 2,
    egresses: 1,
    backends: [backend.url],
    ingress: door.ingress,
  })
  const [bad, good] = mesh.urls as [string, string]
  const answer = await openAnswer(bad)
  const broken = once(answer.resume(), 'error')
  await using others = steadily(good)
  assert.ok((await mesh.revoke('ingress-1')) > 0)
  await broken
  await eventually('all have the list', () =>
    [...mesh.relays, ...mesh.egresses].every((each) => sequenceOf(each) === 1),
  )
  const reached = backend.requests
  const settled = others.statuses.length
  assert.equal(await statusAt(bad), 503)
  await eventually('others go on', () => others.statuses.length > settled + 20)
  await others[Symbol.asyncDispose]()
  assert.deepEqual([...new Set(others.statuses)], [200])
  assert.ok(backend.requests > reached)
  assert.ok([...mesh.relays, ...mesh.egresses].some((each) => cutOf(each, 'CREDENTIAL_REVOKED') > 0))
})

test('a revoked egress is left for another, and a revoked relay is gone around: no idempotent request fails', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 4, ingresses: 1, egresses: 2, backends: [backend.url] })
  await using requests = steadily(mesh.url)
  for (const who of ['egress-1', 'relay-1']) {
    assert.ok((await mesh.revoke(who)) > 0)
    const seen = requests.statuses.length
    await eventually(`requests go on without ${who}`, () => requests.statuses.length > seen + 50)
  }
  await requests[Symbol.asyncDispose]()
  assert.deepEqual([...new Set(requests.statuses)], [200])
})

test('a list outlives the node that knows it, reaches one that was away, and an older one never wins', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: [backend.url] })
  const [egress] = mesh.egresses as [KitNode]
  await egress.node.stop()
  const older = await revoke(mesh.authority, 'ingress-1')
  await mesh.revoke('relay-2')
  const [relay] = mesh.relays as [KitNode]
  await eventually('the relay has the newest list', () => sequenceOf(relay) === 2)
  assert.equal(await relay.node.parts.mesh.announce(older.sealed), false)
  await relay.node.stop()
  const again = await mesh.restart(relay)
  assert.equal(sequenceOf(again), 2)
})

test('a node that knows it is revoked does not start, and says why', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const [relay] = mesh.relays as [KitNode]
  const { sealed } = await revoke(mesh.authority, 'relay-1')
  assert.equal(await relay.node.parts.mesh.announce(sealed), true)
  await relay.node.stop()
  await assert.rejects(mesh.restart(relay), { code: 'CREDENTIAL_REVOKED' })
})

test('a member whose credential expires is cut off, once', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 0, egresses: 1, backends: [backend.url] })
  const brief = await mesh.add('brief', 'ingress', door, ['api'], async (folder) => {
    const peer = loadKey(join(folder, 'state', 'node.key')).peerId.toString()
    const draft = { peer, name: 'brief', roles: ['ingress'], services: ['api'], lifeMs: 4000 } as const
    const sealed = await sealCredential(draft, mesh.authority.signatory)
    writeFileSync(join(folder, 'state', 'credential.jws'), sealed)
  })
  const url = brief.node.status().ingress?.urls[0] ?? ''
  await eventually('it serves', async () => (await statusAt(url)) === 200)
  const others = [...mesh.relays, ...mesh.egresses]
  // Each looks once a second: the first to notice may not be on the way of the next request.
  await eventually('it is cut off', () => others.some((each) => cutOf(each, 'CREDENTIAL_EXPIRED') > 0))
  await eventually('nobody serves it', async () => (await statusAt(url)) === 503)
  assert.ok(others.every((each) => cutOf(each, 'CREDENTIAL_EXPIRED') <= 1))
})
