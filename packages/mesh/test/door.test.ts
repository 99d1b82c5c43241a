import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { knockMaskOf } from '@postern/identity'
import { knockHeadSize } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { Door, quietMsOf } from '../src/link/door.ts'
import { KnockJudge, type KnockRefusal, makeKnock } from '../src/link/knock.ts'
import { Unproved, type UnprovedLimits } from '../src/link/unproved.ts'

const secret = Buffer.alloc(32, 1)
const key = { secret, mask: knockMaskOf(secret) }
const strange = { secret: Buffer.alloc(32, 2), mask: knockMaskOf(Buffer.alloc(32, 2)) }
const peer = '12D3KooWListener'
const clock = { now: () => 1_700_000_000_000 }
const quietMs = 30_000
const roomy = { perHost: 64, total: 64 }

/** A door at a port of its own, and what becomes of those who come to it. */
async function door(t: TestContext, limits: UnprovedLimits = roomy) {
  const refused: KnockRefusal[] = []
  const entered: Socket[] = []
  const arrived: Socket[] = []
  const unproved = new Unproved(limits)
  const judge = new KnockJudge({ heard: () => [secret], clock, ageMs: () => Number.POSITIVE_INFINITY }, peer)
  const way = new Door({ judge, unproved, quietMs, refused: (reason) => refused.push(reason) })
  const server = createServer((socket) => {
    arrived.push(socket.on('error', () => {}).pause())
    way.enter(socket, t.signal).then(
      () => entered.push(socket),
      () => {},
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.after(() => {
    for (const socket of arrived) socket.destroy()
    server.close()
  })
  return { arrived, entered, refused, unproved, visit: () => visitor(t, port) }
}

/** Somebody who comes, and how the connection ends for him. */
async function visitor(t: TestContext, port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  let heard = 0
  let end: string | undefined
  socket.on('data', (octets) => {
    heard += octets.length
  })
  socket.on('end', () => {
    end ??= 'FIN'
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end ??= error.code ?? ''
  })
  await once(socket, 'connect')
  return { socket, seen: () => ({ heard, end }) }
}

const good = makeKnock(key, peer, clock.now())
/** What somebody says who does not belong, or what is left of a knock that is none any more. */
const openings: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'one octet': randomBytes(1),
  'one octet less than a knock': randomBytes(knockHeadSize - 1),
  'as much as a knock': randomBytes(knockHeadSize),
  'more than a knock': randomBytes(5000),
  'a megabyte': randomBytes(1024 * 1024),
  'a knock of another mesh': makeKnock(strange, peer, clock.now()),
  'a knock for another': makeKnock(key, '12D3KooWOther', clock.now()),
  'a knock of yesterday': makeKnock(key, peer, clock.now() - 24 * 3600_000),
  'half of a good knock': makeKnock(key, peer, clock.now()).subarray(0, knockHeadSize / 2),
  'a knock that was good before': good,
  HTTP: Buffer.from('GET / HTTP/1.1\r\nhost: relay.example\r\n\r\n'),
}

test('whatever a stranger says, the listener says nothing, reads it all, and closes at the same time with FIN', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { arrived, entered, refused, visit } = await door(t)
  const member = await visit()
  member.socket.write(good)
  while (entered.length === 0) await new Promise(setImmediate)
  const strangers = []
  for (const [how, octets] of Object.entries(openings)) {
    const { seen, socket } = await visit()
    socket.write(octets)
    strangers.push({ how, octets, seen, socket })
  }
  const read = () => arrived.slice(1).reduce((sum, { bytesRead }) => sum + bytesRead, 0)
  const said = strangers.reduce((sum, { octets }) => sum + octets.length, 0)
  while (read() < said) await new Promise(setImmediate)
  t.mock.timers.tick(quietMs - 1)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  for (const { how, seen } of strangers)
    assert.deepEqual(seen(), { heard: 0, end: undefined }, `${how}: borne until then`)
  t.mock.timers.tick(1)
  while (strangers.some(({ seen }) => seen().end === undefined)) await new Promise(setImmediate)
  for (const { how, seen } of strangers) assert.deepEqual(seen(), { heard: 0, end: 'FIN' }, how)
  const counted = Object.groupBy(refused, (reason) => reason)
  const times = new Map(Object.entries(counted).map(([reason, each]) => [reason, each.length]))
  assert.deepEqual(times, new Map(Object.entries({ wrong: 5, late: 1, replayed: 1, missing: 5 })))
  for (const { socket } of strangers) socket.write(randomBytes(1000))
  while (read() < said + strangers.length * 1000) await new Promise(setImmediate)
  for (const { how, seen } of strangers) assert.deepEqual(seen(), { heard: 0, end: 'FIN' }, `${how}: no reset after it`)
  assert.deepEqual(member.seen(), { heard: 0, end: undefined }, 'who knocked well is not timed here')
})

test('what follows a good knock, in one piece with it or octet by octet, is left for TLS', async (t) => {
  const { entered, visit } = await door(t)
  const rest = Buffer.from('what follows')
  const pieces = [[0], Array.from({ length: 400 }, (_, at) => at)]
  for (const [at, cuts] of pieces.entries()) {
    const { socket } = await visit()
    socket.setNoDelay(true)
    const octets = Buffer.concat([makeKnock(key, peer, clock.now()), rest])
    for (const [index, cut] of cuts.entries()) {
      const piece = octets.subarray(cut, cuts[index + 1] ?? octets.length)
      if (piece.length > 0) await new Promise((sent) => socket.write(piece, sent))
    }
    await eventually('it has entered', () => entered.length === at + 1)
    const heard: Buffer[] = []
    entered[at]?.on('data', (piece: Buffer) => heard.push(piece)).resume()
    await eventually('the rest is there', () => Buffer.concat(heard).equals(rest))
  }
})

test('over a limit the oldest of those who have not knocked gives way, and a member comes in', async (t) => {
  const { entered, refused, unproved, visit } = await door(t, { perHost: 3, total: 64 })
  const strangers: Array<Awaited<ReturnType<typeof visit>>> = []
  for (let at = 0; at < 5; at++) {
    strangers.push(await visit())
    await eventually('it has arrived', () => unproved.size + refused.length === at + 1)
  }
  await eventually('the oldest two are gone', () => strangers.slice(0, 2).every(({ seen }) => seen().end === 'FIN'))
  assert.deepEqual(
    strangers.slice(2).map(({ seen }) => seen().end),
    [undefined, undefined, undefined],
  )
  const member = await visit()
  member.socket.write(makeKnock(key, peer, clock.now()))
  await eventually('the member is in', () => entered.length === 1)
  assert.deepEqual(refused, ['crowded', 'crowded', 'crowded'])
  assert.equal(unproved.size, 2)
})

test('all addresses of one /64 are one host, those of another are not', () => {
  const unproved = new Unproved({ perHost: 2, total: 4 })
  const gone: string[] = []
  const enter = (address: string) => unproved.enter(address, () => gone.push(address))
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:9::3', '2001:db8:0:1::1', '192.0.2.1'])
    enter(address)
  assert.deepEqual(gone, ['2001:db8::1'])
  enter('198.51.100.1')
  assert.deepEqual(gone, ['2001:db8::1', '2001:db8::2'], 'and all together have a limit')
})

test('each listener has a time of its own, the same at each start', () => {
  const seeds = Array.from({ length: 32 }, () => randomBytes(32))
  const times = seeds.map(quietMsOf)
  assert.deepEqual(seeds.map(quietMsOf), times)
  assert.ok(new Set(times).size > 16)
  assert.ok(times.every((time) => time >= 20_000 && time < 60_000))
})
