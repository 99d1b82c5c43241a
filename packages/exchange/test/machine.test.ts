import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame, encodeNumberFrame, frameType } from '@postern/protocol'
import fc from 'fast-check'
import { initialCredit } from '../src/credit.ts'
import { requestHead, responseHead } from './heads.ts'
import { actorOf, talk } from './playbook.ts'

test('a request and its answer, told in order to both sides, and nothing is kept of it', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  const id = client.machine.request(requestHead({ method: 'POST', end: false }))
  client.machine.write(id, Buffer.from('question'))
  client.machine.end(id)
  talk(client, server)
  server.machine.interim(id, responseHead({ status: 103 }))
  server.machine.respond(id, responseHead())
  server.machine.write(id, Buffer.from('answer'))
  server.machine.end(id, ['x-sum', '42'])
  talk(client, server)
  assert.deepEqual(server.said, ['request 1 POST /', 'body 1 8', 'end 1', 'over 1'])
  assert.deepEqual(client.said, ['interim 1 103', 'response 1 200', 'body 1 6', 'end 1 x-sum 42', 'over 1'])
  assert.deepEqual([client.machine.size, server.machine.size], [0, 0])
})

test('a sender stops at its credit, goes on as the content is consumed, and no other exchange waits for it', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  const slow = client.machine.request(requestHead())
  const quick = client.machine.request(requestHead())
  talk(client, server)
  const much = Buffer.alloc(3 * initialCredit, 1)
  for (const id of [slow, quick]) server.machine.respond(id, responseHead())
  assert.equal(server.machine.write(slow, much), false)
  talk(client, server)
  assert.equal(client.heard.get(slow)?.length, initialCredit)

  server.machine.write(quick, Buffer.from('fast'))
  server.machine.end(quick)
  talk(client, server)
  assert.equal(client.heard.get(quick)?.toString(), 'fast')
  assert.equal(client.heard.get(slow)?.length, initialCredit)

  client.machine.consumed(slow, initialCredit)
  talk(client, server)
  assert.ok((client.heard.get(slow)?.length ?? 0) > initialCredit)
  assert.ok(server.said.includes(`writable ${slow}`))
})

test('content of any length and cut arrives whole, whatever is consumed when, and never beyond the window', () => {
  const script = fc.array(
    fc.record({ length: fc.integer({ min: 1, max: 90_000 }), consume: fc.integer({ min: 0, max: 100_000 }) }),
    { minLength: 1, maxLength: 15 },
  )
  fc.assert(
    fc.property(script, fc.integer({ min: 1, max: 70_000 }), (steps, pull) => {
      const client = actorOf('initiator')
      const server = actorOf('responder')
      const id = client.machine.request(requestHead())
      talk(client, server)
      server.machine.respond(id, responseHead())
      let sent = Buffer.alloc(0)
      let consumed = 0
      const exchangeAll = () => {
        while (server.machine.pending || client.machine.pending) {
          for (const chunk of server.machine.pull(pull)) client.machine.receive(chunk)
          for (const chunk of client.machine.pull(pull)) server.machine.receive(chunk)
        }
      }
      const consume = (bytes: number) => {
        const some = Math.min(bytes, (client.heard.get(id)?.length ?? 0) - consumed)
        consumed += some
        client.machine.consumed(id, some)
      }
      for (const { consume: some, length } of steps) {
        const chunk = Buffer.alloc(length, sent.length % 251)
        sent = Buffer.concat([sent, chunk])
        server.machine.write(id, chunk)
        exchangeAll()
        consume(some)
      }
      server.machine.end(id)
      for (let turn = 0; turn < 200 && client.machine.size > 0; turn++) {
        exchangeAll()
        consume(Number.POSITIVE_INFINITY)
        client.machine.end(id)
      }
      assert.ok(client.heard.get(id)?.equals(sent))
      assert.ok(!client.said.some((line) => line.startsWith('violation')))
      assert.equal(client.machine.size, 0)
    }),
    { numRuns: 60 },
  )
})

test('no octets make either machine throw, and a violation is said once', () => {
  for (const side of ['initiator', 'responder'] as const) {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (chunks) => {
        const actor = actorOf(side)
        if (side === 'initiator') actor.machine.request(requestHead())
        for (const chunk of chunks) actor.machine.receive(chunk)
        assert.ok(actor.said.filter((line) => line.startsWith('violation')).length <= 1)
      }),
    )
  }
})

const anyFrame = fc.record({
  type: fc.constantFrom(...Object.values(frameType)),
  exchange: fc.nat(3),
  payload: fc.uint8Array({ maxLength: 12 }),
})

test('no order of well-formed frames makes either machine throw', () => {
  for (const side of ['initiator', 'responder'] as const) {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), (frames) => {
        const actor = actorOf(side)
        if (side === 'initiator') actor.machine.request(requestHead({ end: false }))
        for (const { exchange, payload, type } of frames) actor.machine.receive(encodeFrame(type, exchange, payload))
        actor.machine.pull(1_000_000)
      }),
    )
  }
})

test('each breach of the protocol ends the trunk', () => {
  const breaches: Array<[string, 'initiator' | 'responder', Buffer]> = [
    ['a request to an initiator', 'initiator', encodeFrame(frameType.REQUEST, 9, Buffer.alloc(4))],
    ['content of an exchange never opened', 'responder', encodeFrame(frameType.BODY, 9, Buffer.alloc(4))],
    ['content before the head of the answer', 'initiator', encodeFrame(frameType.BODY, 1, Buffer.alloc(4))],
    ['an end before the head of the answer', 'initiator', encodeFrame(frameType.END, 1, Buffer.alloc(0))],
    ['credit beyond 32 bits', 'initiator', encodeNumberFrame(frameType.CREDIT, 1, 0xffff_ffff, 4)],
    ['a goaway from an initiator', 'responder', encodeNumberFrame(frameType.GOAWAY, 0, 1, 4)],
  ]
  for (const [name, side, octets] of breaches) {
    const actor = actorOf(side)
    if (side === 'initiator') actor.machine.request(requestHead({ end: false }))
    actor.machine.receive(octets)
    assert.match(actor.said.at(-1) ?? '', /^violation/, name)
  }
})

test('content beyond the credit ends the trunk', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  client.machine.request(requestHead())
  talk(client, server)
  server.machine.respond(1, responseHead())
  talk(client, server)
  for (let sent = 0; sent <= initialCredit; sent += 32_768)
    client.machine.receive(encodeFrame(frameType.BODY, 1, Buffer.alloc(32_768)))
  assert.match(client.said.at(-1) ?? '', /^violation/)
})

test('a malformed request head resets that exchange, and the next one is served', () => {
  const server = actorOf('responder')
  server.machine.receive(encodeFrame(frameType.REQUEST, 1, Buffer.from('no head')))
  const client = actorOf('initiator')
  client.machine.request(requestHead())
  client.machine.pull(1e6)
  client.machine.request(requestHead({ target: '/next' }))
  talk(server, client)
  talk(client, server)
  assert.deepEqual(server.said, ['request 2 GET /next'])
  assert.deepEqual(client.said, ['reset 1 MALFORMED_REQUEST'])
})

test('a head that has no room in a frame is not sent, and the trunk goes on', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  const tooMuch = [
    ['n'.repeat(256), 'v'],
    ['n', 'v'.repeat(70_000)],
    Array.from({ length: 1100 }, () => 'n'),
    ['a', 'v'.repeat(40_000), 'b', 'v'.repeat(40_000)],
  ]
  for (const fields of tooMuch)
    assert.throws(() => client.machine.request(requestHead({ fields })), { code: 'HEAD_TOO_LARGE' })
  const id = client.machine.request(requestHead())
  talk(client, server)
  for (const fields of tooMuch) {
    server.machine.interim(id, responseHead({ status: 103, fields }))
    assert.equal(server.machine.respond(id, responseHead({ fields })), false)
  }
  server.machine.respond(id, responseHead())
  server.machine.end(id, tooMuch[0])
  talk(client, server)
  assert.deepEqual(client.said, ['response 1 200', 'end 1', 'over 1'])
})

test('an exchange beyond the limit is refused as busy, and those that are open go on', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder', { exchanges: 2 })
  for (let i = 0; i < 3; i++) client.machine.request(requestHead())
  talk(client, server)
  assert.deepEqual(client.said, ['reset 3 BUSY'])
  assert.equal(server.machine.size, 2)
})

test('a draining responder refuses what comes after, and finishes what is open', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  client.machine.request(requestHead())
  talk(client, server)
  client.machine.request(requestHead())
  server.machine.goaway()
  talk(client, server)
  assert.deepEqual(client.said, ['goaway 1', 'reset 2 DRAINING'])
  server.machine.respond(1, responseHead({ end: true }))
  talk(client, server)
  assert.equal(client.said.at(-1), 'over 1')
})

test('a reset drops what was queued and is heard by the other side; late frames of it harm nothing', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  const id = client.machine.request(requestHead())
  talk(client, server)
  server.machine.respond(id, responseHead())
  server.machine.write(id, Buffer.alloc(1000))
  client.machine.reset(id, 'CANCELLED')
  talk(client, server)
  assert.ok(server.said.includes('reset 1 CANCELLED'))
  assert.ok(!client.said.some((line) => line.startsWith('violation')))
  assert.deepEqual([client.machine.size, server.machine.size], [0, 0])
})

test('a side that sends pings and reads nothing is cut off before its answers fill the memory', () => {
  const actor = actorOf('responder', { controlBytes: 10_000 })
  for (let i = 0; i < 2000; i++) actor.machine.receive(encodeFrame(frameType.PING, 0, Buffer.alloc(8)))
  assert.deepEqual(actor.said, ['violation the other side does not read'])
})

test('content of many exchanges takes turns, and a head that comes later still goes first', () => {
  const client = actorOf('initiator')
  const server = actorOf('responder')
  for (let i = 0; i < 3; i++) client.machine.request(requestHead())
  talk(client, server)
  for (const id of [1, 2]) {
    server.machine.respond(id, responseHead())
    server.machine.write(id, Buffer.alloc(60_000))
  }
  for (const chunk of server.machine.pull(1)) client.machine.receive(chunk)
  server.machine.respond(3, responseHead({ end: true }))
  talk(client, server)
  const order = client.said.map((line) => line.split(' ').slice(0, 2).join(' '))
  assert.ok(order.indexOf('response 3') < order.lastIndexOf('body 1'), order.join(', '))
  assert.ok(order.indexOf('body 2') < order.lastIndexOf('body 1'), order.join(', '))
})

test('the content of a short answer waits for one turn of others, not for the turns of all', () => {
  const server = actorOf('responder')
  const client = actorOf('initiator')
  const downloads = 50
  for (let i = 0; i <= downloads; i++) client.machine.request(requestHead())
  talk(client, server)
  for (let id = 1; id <= downloads; id++) {
    server.machine.respond(id, responseHead())
    server.machine.write(id, Buffer.alloc(60_000))
  }
  const turnBytes = 32 * 1024
  for (const chunk of server.machine.pull(downloads * turnBytes)) client.machine.receive(chunk)
  const before = client.said.length
  const short = downloads + 1
  server.machine.respond(short, responseHead())
  server.machine.write(short, Buffer.alloc(100))
  talk(client, server)
  const turns = client.said.slice(before).filter((line) => line.startsWith('body'))
  assert.ok(turns.length > downloads)
  const at = turns.findIndex((line) => line.startsWith(`body ${short} `))
  assert.equal(at, 1, 'one of those that have begun goes on meanwhile')
})

test('what may be queued is shared out: of many exchanges none may queue what one alone may', () => {
  const queuedOf = (exchanges: number) => {
    const server = actorOf('responder', { queueBytes: 1024 * 1024 })
    const client = actorOf('initiator')
    for (let i = 0; i < exchanges; i++) client.machine.request(requestHead())
    talk(client, server)
    server.machine.respond(1, responseHead())
    let queued = 1024
    while (server.machine.write(1, Buffer.alloc(1024))) queued += 1024
    return queued
  }
  assert.deepEqual([1, 16, 1000].map(queuedOf), [128 * 1024, 64 * 1024, 16 * 1024])
})
