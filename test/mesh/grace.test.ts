import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { admit, askReplacement, issueNode, loadKey, loadMember, revoke, sealCredential } from '@postern/identity'
import { backendOf, eventually, type KitMesh, type KitNode, meshOf, rawOf } from '@postern/test-kit'

type Role = 'relay' | 'ingress' | 'egress' | 'authority'

const door = { ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] } }
const relay = { relay: { listen: ['/ip4/127.0.0.1/tcp/0'] } }
const statusAt = async (url: string) => (await fetch(url)).status
const urlOf = ({ node }: KitNode) => node.status().ingress?.urls[0] ?? ''
const countOf = ({ node }: KitNode, name: string) => node.status().counters[name] ?? 0
const isOver = ({ node }: KitNode) => node.status().credential.over
const minute = 60_000

/** Gives a node that is to start a credential that ends in so long, of a life of a minute. */
const ending = (mesh: KitMesh, role: Role, inMs: number) => async (folder: string) => {
  const peer = loadKey(join(folder, 'state', 'node.key')).peerId.toString()
  const grant = { peer, name: role, roles: [role], services: ['api'], lifeMs: minute } as const
  const clock = { now: () => Date.now() - minute + inMs }
  writeFileSync(join(folder, 'state', 'credential.jws'), await sealCredential(grant, mesh.authority.signatory, clock))
}

const authorityRuns = (mesh: KitMesh) =>
  mesh.add('authority-1', 'authority', { authority: { folder: mesh.authority.folder } })

test('a credential that ended while no authority ran is renewed when one does, of a node that runs and of one that starts', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 0, egresses: 1, backends: [backend.url] })
  const running = await mesh.add('running', 'ingress', door, ['api'], ending(mesh, 'ingress', 3000))
  await eventually('it serves', async () => (await statusAt(urlOf(running))) === 200)
  const starting = await mesh.add('starting', 'ingress', door, ['api'], ending(mesh, 'ingress', -1000))
  await eventually('it has ended', async () => isOver(running) && (await statusAt(urlOf(running))) === 503)
  for (const each of [running, starting]) {
    assert.equal(each.node.status().credential.daysLeft, 0)
    assert.ok(each.node.status().warnings.some(({ code }) => code === 'CREDENTIAL_EXPIRED'))
  }
  await authorityRuns(mesh)
  for (const each of [running, starting]) {
    await eventually(`${each.name} was renewed`, () => !isOver(each), 120_000)
    await eventually(`${each.name} serves`, async () => (await statusAt(urlOf(each))) === 200)
  }
  for (const each of mesh.relays) assert.equal(countOf(each, 'bans{forbidden}'), 0)
})

test('a mesh of which every credential has ended, that of the authority too, heals when the authority runs', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 0, ingresses: 0, egresses: 0, backends: [] })
  const offered = { backends: [backend.url], expose: [{ methods: ['*'], path: '/**' }] }
  const nodes: KitNode[] = []
  const add = async (role: Role, number: number, config: object) =>
    nodes.push(await mesh.add(`${role}-${number}`, role, { ...config }, ['api'], ending(mesh, role, -1000)))
  // More relays than the authority chooses: the first of them starts from nobody, and may be dialled by no authority.
  for (const number of [1, 2, 3, 4, 5]) await add('relay', number, relay)
  await add('egress', 1, { egress: { services: { api: offered } } })
  await add('ingress', 1, door)
  const ingress = nodes.at(-1) as KitNode
  assert.equal(await statusAt(urlOf(ingress)), 503)
  await add('authority', 1, { authority: { folder: mesh.authority.folder } })
  for (const each of nodes) await eventually(`${each.name} was renewed`, () => !isOver(each), 240_000)
  await eventually('the API answers', async () => (await statusAt(urlOf(ingress))) === 200)
})

test('what was revoked after its end, or ended longer ago than a relay allows, is not let in', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const strict = await mesh.add('strict', 'relay', { ...relay, renewalGraceMs: 500 })
  const [lenient] = mesh.relays as [KitNode]
  const ended = await mesh.add('ended', 'ingress', door, ['api'], ending(mesh, 'ingress', -1000))
  await eventually('one relay lets it in, the other does not', () => {
    const { relays } = ended.node.parts.mesh.status()
    const linked = (peer: string) => relays.find((each) => each.peer === peer)?.linked
    return linked(lenient.node.parts.mesh.peer) === true && countOf(strict, 'links_refused{CREDENTIAL_EXPIRED}') > 0
  })
  assert.ok((await mesh.revoke('ended')) > 0)
  await eventually('it is cut off', () => countOf(lenient, 'members_cut{CREDENTIAL_REVOKED}') > 0)
  await eventually('and not let in again', () => countOf(lenient, 'links_refused{CREDENTIAL_REVOKED}') > 0)
  await authorityRuns(mesh)
  await assert.rejects(ended.node.parts.renewal.renew())
  assert.equal(isOver(ended), true)
})

test('one whose credential has ended is told of no relays, without blame', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const [one] = mesh.relays as [KitNode]
  const folder = join(mesh.authority.folder, '..', 'ended')
  await issueNode(mesh.authority, folder, { name: 'ended', roles: ['ingress'], services: ['api'] })
  await ending(mesh, 'ingress', -1000)(folder)
  const files = [join(folder, 'mesh.json'), join(folder, 'state')] as const
  await using ended = await rawOf(await loadMember(...files, undefined, { graceMs: minute }))
  const question = Buffer.from(JSON.stringify({ type: 'relays' }))
  for (let times = 0; times < 12; times++) assert.deepEqual(await ended.ask(one, 'lookup', [question]), [])
  assert.equal(one.node.parts.mesh.status().banned, 0)
  const { sealed } = await revoke(mesh.authority, loadKey(join(folder, 'state', 'node.key')).peerId.toString())
  await one.node.parts.mesh.announce(sealed)
  await eventually('it is cut off', () => countOf(one, 'members_cut{CREDENTIAL_REVOKED}') === 1)
})

test('a key that waits takes over before the old one ends, and one whose grant was lost is asked for again', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, authorities: 1, backends: [] })
  const [one] = mesh.relays as [KitNode]
  const { member } = one.node.parts
  const lost = async (request: string): Promise<string> => {
    await admit(mesh.authority.folder, request)
    throw new Error('the answer is lost')
  }
  // So that the old key ends soon: what a stop may take is left to it.
  await assert.rejects(askReplacement(member, join(one.folder, 'state'), 20_000, lost), /lost/)
  await one.node.succeeded
  await one.node.stop()
  const again = await mesh.restart(one)
  assert.notEqual(again.node.parts.mesh.peer, member.credential.peer)
  assert.equal(again.node.parts.member.bulletin.lapse(again.node.parts.member.credential), undefined)
})
