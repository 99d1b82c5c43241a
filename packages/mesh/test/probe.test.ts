import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  addBootstrap,
  createAuthority,
  generateKey,
  issueNode,
  knockMaskOf,
  loadMember,
  type Member,
  revoke,
} from '@postern/identity'
import { type Clock, noMeter, type Role, silentLog, systemClock } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { faultOf } from '../src/fault.ts'
import { defaultRelayLimits, type Mesh, probeRelays, type RelayStatus, startMesh } from '../src/index.ts'
import { LinkError } from '../src/link/transport.ts'

const root = mkdtempSync(join(tmpdir(), 'postern-probe-'))
const tools = { clock: systemClock, log: silentLog, meter: noMeter }
const nobody = () => generateKey().peerId.toString()

let relay: Mesh
let member: Member
let revokedMember: Member

before(async () => {
  let authority = await createAuthority(join(root, 'authority'), 'probed')
  const issued = async (name: string, role: Role) => {
    await issueNode(authority, join(root, name), { name, roles: [role], services: [] })
    return await loadMember(join(root, name, 'mesh.json'), join(root, name, 'state'))
  }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const open = { listen, announce: [], limits: defaultRelayLimits }
  relay = await startMesh({ member: await issued('relay', 'relay'), relay: open, ...tools })
  authority = await addBootstrap(authority, relay.status().addresses)
  member = await issued('member', 'ingress')
  revokedMember = await issued('revoked', 'ingress')
  await relay.announce((await revoke(authority, 'revoked')).sealed)
})
after(async () => {
  await relay.stop()
  rmSync(root, { recursive: true, force: true })
})

/** What a member finds of the relays of its mesh file, or of others that it is made to take for them. */
async function probed(who: Member, bootstrap = who.mesh.bootstrap, clock: Clock = systemClock): Promise<RelayStatus[]> {
  const seen: RelayStatus[] = []
  await probeRelays({ ...tools, clock, member: { ...who, mesh: { ...who.mesh, bootstrap } } }, (status) =>
    seen.push(status),
  )
  return seen
}

const faultsOf = (relays: readonly RelayStatus[]) => relays.map(({ fault }) => fault?.kind ?? 'linked')

/** The address of a relay that is none: what listens there treats its connections like this. */
async function impostor(treat: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    treat(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { address: `/ip4/127.0.0.1/tcp/${port}/p2p/${nobody()}`, close: () => server.close() }
}

test('a member finds that it can link to the relays of its mesh file, and leaves none of its links behind', async () => {
  const [found] = await probed(member)
  assert.equal(found?.linked, true)
  assert.equal(found.peer, relay.peer)
  await eventually('it has left', () => relay.peers().length === 0)
  assert.deepEqual(await probed(member, [...member.mesh.bootstrap, ...member.mesh.bootstrap]).then(faultsOf), [
    'linked',
  ])
  assert.deepEqual(await probed(member, [`/ip4/127.0.0.1/tcp/1/p2p/${member.credential.peer}`]), [])
})

test('another secret, another time and another relay at the address meet silence, and are told so', async () => {
  const late = { now: () => Date.now() - 90_000 }
  const elsewhere = relay.status().addresses.map((address) => address.replace(relay.peer, nobody()))
  const secret = randomBytes(32)
  const tried = [
    probed({ ...member, knock: { secret, mask: knockMaskOf(secret) } }),
    probed(member, undefined, late),
    probed(member, elsewhere),
  ]
  assert.deepEqual((await Promise.all(tried)).map(faultsOf), [['silent'], ['silent'], ['silent']])
})

test('one whose credential the relay refuses is told so', async () => {
  for (let time = 0; time < 5; time++) {
    const [found] = await probed(revokedMember)
    assert.equal(found?.fault?.kind, 'credential')
    assert.equal(found.fault.code, 'CREDENTIAL_REFUSED')
  }
})

test('a relay whose credential is not good here is told from one that refuses ours', async () => {
  const { verifier } = member
  const [found] = await probed({
    ...member,
    verifier: { ...verifier, shown: (sealed) => verifier.shown(sealed, 'another peer', 0) },
  })
  assert.deepEqual([found?.fault?.kind, found?.fault?.code], ['credential', 'CREDENTIAL_WRONG_PEER'])
})

test('where there is no relay of this mesh, what there is instead is told', async () => {
  const silent = await impostor(() => {})
  const web = await impostor((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const closing = await impostor((socket) => socket.once('data', () => socket.end()))
  const expected = {
    silent: silent.address,
    broken: web.address,
    knock: closing.address,
    refused: `/ip4/127.0.0.1/tcp/1/p2p/${nobody()}`,
    dns: `/dns4/nowhere.invalid/tcp/4001/p2p/${nobody()}`,
  }
  const found = await probed(member, Object.values(expected))
  for (const { close } of [silent, web, closing]) close()
  const kinds = found.map(({ addresses, fault }) => [fault?.kind ?? '', addresses[0] ?? ''] as const)
  const byKind = Object.entries(expected).map(([kind, address]) => [kind, address.replace(/\/p2p\/.*/, '')] as const)
  assert.deepEqual(new Map(kinds), new Map(byKind))
})

test('of several addresses the one that came furthest counts', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const upgrade = new LinkError(new Error('read ECONNRESET'), false)
  const late = new DOMException('late', 'TimeoutError')
  const seen = { connected: false, answered: false, code: undefined }
  const kindOf = (...errors: unknown[]) => faultOf(new AggregateError(errors), seen).kind
  assert.equal(kindOf(refused, refused), 'refused')
  assert.equal(kindOf(refused, late), 'timeout')
  assert.equal(kindOf(refused, late, upgrade), 'knock')
  assert.equal(faultOf(late, { ...seen, connected: true }).kind, 'silent')
  assert.equal(faultOf(new LinkError(late, false), { ...seen, connected: true }).kind, 'silent')
  assert.equal(faultOf(new LinkError(upgrade, true), seen).kind, 'broken')
  assert.equal(faultOf('?', seen).kind, 'unreachable')
})
