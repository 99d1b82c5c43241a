import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { generateKey, loadAuthority, makeInvite, revoke, sealRecord } from '@postern/identity'
import {
  backendOf,
  eventually,
  type KitMesh,
  type KitNode,
  meshOf,
  type RawMember,
  rawInvited,
  rawMember,
} from '@postern/test-kit'

/** The least there may be, so that a flood is soon known for one. */
const tight = {
  circuitsPerNeighbour: 40,
  circuitsPerSecond: 10,
  lookupsPerSecond: 10,
  registrationsPerSecond: 1,
  recordsPerEgress: 8,
}

const counted = ({ node }: KitNode, counter: string) => node.status().counters[counter] ?? 0
const bannedAt = ({ node }: KitNode) => node.status().relay?.banned

/** A message with its length before it. */
function framed(content: string | Uint8Array): Buffer {
  const octets = Buffer.from(content)
  return Buffer.concat([Buffer.of((octets.length & 0x7f) | 0x80, octets.length >> 7), octets])
}

/** What is said to hand over a bulletin: which one it is, then the whole of it. */
function handed(sequence: number, sealed: string): Buffer {
  const offer = Buffer.alloc(8)
  offer.writeBigUInt64BE(BigInt(sequence))
  return Buffer.concat([framed(offer), framed(sealed)])
}

async function isKeptOut(member: RawMember, relay: KitNode): Promise<boolean> {
  return await member.link(relay).then(
    () => false,
    () => true,
  )
}

/** Asks again and again until it is stopped, and tells what came of it. */
function steadily(url: string) {
  const statuses: number[] = []
  let going = true
  const done = (async () => {
    while (going) statuses.push((await fetch(url)).status)
  })()
  return {
    async harmless() {
      const sofar = statuses.length
      await eventually('requests go on', () => statuses.length > sofar + 20)
      going = false
      await done
      assert.deepEqual([...new Set(statuses)], [200])
    },
  }
}

/** A mesh with so few relays that every request goes over all of them. */
async function narrowMesh(
  backend: string,
  limits: Readonly<Record<string, number>>,
): Promise<[KitMesh, KitNode, KitNode]> {
  const mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: [backend], relay: { limits } })
  const [relay, other] = mesh.relays
  assert.ok(relay && other)
  return [mesh, relay, other]
}

test('an ingress that floods a relay with circuits is told BUSY, then cut off and kept out, and nobody else loses a request', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const [mesh, relay, other] = await narrowMesh(backend.url, tight)
  await using _mesh = mesh
  await using flooder = await rawMember(mesh, 'flooder', 'ingress')
  const others = steadily(mesh.url)
  const route = await flooder.route(relay)
  const answers = new Set<string>()
  const lane = async () => {
    while (!answers.has('BROKEN')) answers.add(await flooder.circuit(relay, route))
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  // The same route once more is a replay, which is refused and no offence.
  assert.deepEqual(answers, new Set(['OK', 'EXPIRED', 'BUSY', 'BROKEN']))
  assert.ok(await isKeptOut(flooder, relay))
  assert.equal(counted(relay, 'bans{flood}'), 1)
  assert.ok(counted(relay, 'over_rate{circuits}') > 400)
  assert.ok(counted(relay, 'links_refused{BANNED}') > 0)
  assert.deepEqual([bannedAt(relay), bannedAt(other)], [1, 0])
  assert.equal(await isKeptOut(flooder, other), false)
  await others.harmless()
})

test('lookups in a flood are not answered any more, then cut off and kept out', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const [mesh, relay] = await narrowMesh(backend.url, tight)
  await using _mesh = mesh
  await using flooder = await rawMember(mesh, 'flooder', 'ingress')
  const others = steadily(mesh.url)
  const question = framed(JSON.stringify({ type: 'relays' }))
  const lane = async () => {
    while (bannedAt(relay) === 0) await flooder.tell(relay, 'lookup', question).catch(() => undefined)
  }
  await Promise.all(Array.from({ length: 30 }, lane))
  assert.ok(await isKeptOut(flooder, relay))
  assert.equal(counted(relay, 'bans{flood}'), 1)
  assert.ok(counted(relay, 'over_rate{lookups}') > 400)
  await others.harmless()
})

test('an egress that registers by the thousand has its few records, then is cut off and kept out', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const [mesh, relay] = await narrowMesh(backend.url, tight)
  await using _mesh = mesh
  await using greedy = await rawMember(mesh, 'greedy', 'egress')
  const others = steadily(mesh.url)
  const records = Array.from({ length: 200 }, registration)
  const answers = await greedy.ask(relay, 'guard', records)
  const taken = answers.filter((answer) => (answer as { ok: boolean }).ok)
  const codes = answers.map((answer) => (answer as { code?: string }).code).filter((code) => code !== undefined)
  assert.equal(taken.length, tight.recordsPerEgress)
  assert.deepEqual([...new Set(codes)], ['BUSY'])
  assert.ok(await isKeptOut(greedy, relay))
  assert.equal(counted(relay, 'bans{flood}'), 1)
  assert.ok(counted(relay, 'over_rate{registrations}') > 0)
  await others.harmless()
})

function registration(): Buffer {
  const service = randomBytes(32).toString('hex')
  const record = sealRecord({ record: 'a.b.c', credential: 'd.e.f~' }, randomBytes(32)).toString('base64url')
  return Buffer.from(JSON.stringify({ type: 'register', service, record }))
}

const endless = Buffer.alloc(64, 0xff)
const lookup = JSON.stringify({ type: 'relays' })

for (const [role, does, offence, act] of [
  ['ingress', 'sends what is no route', 'malformed', (bad, relay) => bad.circuit(relay, randomBytes(2048))],
  ['ingress', 'sends what is no lookup', 'malformed', (bad, relay) => bad.tell(relay, 'lookup', framed('{}'))],
  ['ingress', 'sends a length without end', 'malformed', (bad, relay) => bad.tell(relay, 'lookup', endless)],
  [
    'egress',
    'sends what is no registration',
    'malformed',
    (bad, relay) => bad.ask(relay, 'guard', [Buffer.from('[]')]),
  ],
  [
    'egress',
    'sends a registration too long',
    'malformed',
    (bad, relay) => bad.tell(relay, 'guard', Buffer.of(0xff, 0xff, 3)),
  ],
  ['ingress', 'shows what is no credential', 'forged', (bad, relay) => bad.tell(relay, 'credential', framed('a.b.c'))],
  ['ingress', 'sends what is no list', 'forged', (bad, relay) => bad.tell(relay, 'bulletin', handed(9, 'a.b.c'))],
  ['ingress', 'offers what is no list', 'malformed', (bad, relay) => bad.tell(relay, 'bulletin', framed('a.b.c'))],
  ['invited', 'brings a list', 'forbidden', (bad, relay) => bad.tell(relay, 'bulletin', handed(9, 'a.b.c'))],
  ['ingress', 'registers', 'forbidden', (bad, relay) => bad.ask(relay, 'guard', [registration()])],
  ['invited', 'registers', 'forbidden', (bad, relay) => bad.ask(relay, 'guard', [registration()])],
  ['invited', 'asks which relays there are', 'forbidden', (bad, relay) => bad.tell(relay, 'lookup', framed(lookup))],
] as ReadonlyArray<
  ['ingress' | 'egress' | 'invited', string, string, (bad: RawMember, relay: KitNode) => Promise<unknown>]
>) {
  test(`an ${role} that ${does} is borne ten times, then cut off and kept out`, async () => {
    await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
    const [relay] = mesh.relays as [KitNode]
    await using bad = await rawMember(mesh, 'bad', role)
    for (let offended = 0; offended < 10; offended++) {
      await act(bad, relay)
      await bad.link(relay)
    }
    assert.equal(counted(relay, `offences{${offence}}`), 10)
    assert.equal(bannedAt(relay), 0)
    await act(bad, relay)
    assert.equal(bannedAt(relay), 1)
    assert.ok(await isKeptOut(bad, relay))
    assert.equal(counted(relay, `bans{${offence}}`), 1)
  })
}

test('a restart that opens many circuits at once is let through, and its operator sees how many', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const [relay] = mesh.relays as [KitNode]
  await using ingress = await rawMember(mesh, 'ingress', 'ingress')
  const routes = await Promise.all(Array.from({ length: 50 }, () => ingress.route(relay)))
  const answers = await Promise.all(routes.map((route) => ingress.circuit(relay, route)))
  assert.deepEqual([...new Set(answers)], ['OK'])
  const account = relay.node.parts.mesh.peers().find(({ peer }) => peer === ingress.peer)
  assert.equal(account?.circuits, 50)
  assert.equal(counted(relay, 'over_rate{circuits}'), 0)
})

test('a neighbour that has as many circuits as it may is told BUSY, and that is all', async () => {
  const limits = { circuitsPerNeighbour: 8 }
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [], relay: { limits } })
  const [relay] = mesh.relays as [KitNode]
  await using ingress = await rawMember(mesh, 'ingress', 'ingress')
  const routes = await Promise.all(Array.from({ length: 60 }, () => ingress.route(relay)))
  const answers = await Promise.all(routes.map((route) => ingress.circuit(relay, route)))
  assert.equal(answers.filter((answer) => answer === 'OK').length, 8)
  assert.deepEqual(new Set(answers), new Set(['OK', 'BUSY']))
  assert.equal(bannedAt(relay), 0)
  assert.equal(await isKeptOut(ingress, relay), false)
})

test('all keys that one invite is shown with have a few circuits together', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const [relay] = mesh.relays as [KitNode]
  const grant = { name: 'guest', roles: ['ingress'], services: ['api'], lifeMs: 60_000 } as const
  const { text } = await makeInvite(await loadAuthority(mesh.authority.folder), grant, 60_000)
  const answers: string[] = []
  await using stack = new AsyncDisposableStack()
  for (let key = 0; key < 3; key++) {
    const guest = stack.use(await rawInvited(text))
    for (let at = 0; at < 4; at++) answers.push(await guest.circuit(relay, await guest.route(relay)))
  }
  assert.deepEqual(answers, [...Array<string>(8).fill('OK'), ...Array<string>(4).fill('BUSY')])
  assert.equal(bannedAt(relay), 0)
})

test('bulletins beyond their rate wait for their turn, and the last of them is in force', async () => {
  const limits = { bulletinsPerMinute: 30 }
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [], relay: { limits } })
  const [relay] = mesh.relays as [KitNode]
  await using busy = await rawMember(mesh, 'busy', 'ingress')
  const lists: string[] = []
  for (let sequence = 1; sequence <= 32; sequence++)
    lists.push((await revoke(mesh.authority, generateKey().peerId.toString())).sealed)
  for (const [at, list] of lists.entries()) await busy.tell(relay, 'bulletin', handed(at + 1, list))
  assert.equal(relay.node.status().bulletin.sequence, 32)
  assert.equal(bannedAt(relay), 0)
})

test('octets beyond the rate of a neighbour come later, and all of them come', async () => {
  const bytesPerSecond = 1_000_000
  const content = randomBytes(3_000_000)
  await using backend = await backendOf((_request, response) => response.end(content))
  const [mesh] = await narrowMesh(backend.url, { bytesPerSecond })
  await using _mesh = mesh
  const started = performance.now()
  const answer = await fetch(mesh.url)
  assert.ok(content.equals(Buffer.from(await answer.arrayBuffer())))
  // What it may have at once has come before, and the last window of a stream, 1 MB, comes in one piece.
  assert.ok(performance.now() - started > 300)
})

test('a neighbour that opens link after link has the newest few', async () => {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const [relay] = mesh.relays as [KitNode]
  await using eager = await rawMember(mesh, 'eager', 'ingress')
  const links = () => relay.node.parts.mesh.peers().filter(({ peer }) => peer === eager.peer).length
  for (let opened = 0; opened < 20; opened++) await eager.linkAgain(relay)
  await eventually('the others are closed', () => links() === 8)
  assert.ok(counted(relay, 'links_surplus') >= 12)
  assert.equal(await eager.circuit(relay, await eager.route(relay)), 'OK')
})

test('garbage that a relay passes on in good faith is blamed on nobody', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const [mesh, relay, other] = await narrowMesh(backend.url, {})
  await using _mesh = mesh
  await using liar = await rawMember(mesh, 'liar', 'ingress')
  const others = steadily(mesh.url)
  const answers: string[] = []
  for (let sent = 0; sent < 30; sent++) {
    const route = await liar.route(relay, other)
    randomBytes(512).copy(route, 512)
    answers.push(await liar.circuit(relay, route))
  }
  assert.deepEqual([...new Set(answers)], ['INVALID'])
  assert.ok(counted(other, 'circuits_refused{INVALID}') >= 30)
  for (const each of [relay, other]) {
    assert.equal(bannedAt(each), 0)
    assert.equal(counted(each, 'offences{malformed}'), 0)
  }
  await others.harmless()
})
