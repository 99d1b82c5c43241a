import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ExchangeFailureCode } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import { type Incoming, Initiator, Responder, type ResponseListener } from '../src/index.ts'
import { defaultLimits } from '../src/machine-events.ts'
import { requestHead, responseHead } from './heads.ts'

/** Listens to one exchange and says on `done` how it ended. */
class Ear extends EventEmitter implements ResponseListener {
  bytes = 0
  interim(): void {}
  response(): void {}
  body(piece: Uint8Array): void {
    this.bytes += piece.byteLength
  }
  end(): void {
    this.emit('done', 'end')
  }
  reset(code: ExchangeFailureCode): void {
    this.emit('done', code)
  }
  writable(): void {}
}

const deaf = { body() {}, end() {}, reset() {}, writable() {} }

test('an exchange over a trunk is answered, with the content and the end', async () => {
  const [near, far] = pipePair()
  new Responder(far, {
    accept(exchange) {
      exchange.respond(responseHead())
      exchange.write(Buffer.from('answer'))
      exchange.end()
      return deaf
    },
  })
  const ear = new Ear()
  const initiator = new Initiator(near)
  const done = once(ear, 'done')
  initiator.open(requestHead(), ear)
  assert.deepEqual(await done, ['end'])
  assert.equal(ear.bytes, 6)
  assert.equal(initiator.size, 0)
})

test('more exchanges than leave in one message are answered in the same turn, each in order', async () => {
  const [near, far] = pipePair()
  const waiting: Incoming[] = []
  const count = 500
  new Responder(far, {
    accept(exchange) {
      waiting.push(exchange)
      if (waiting.length < count) return deaf
      for (const each of waiting) {
        each.respond(responseHead())
        each.write(Buffer.alloc(2000))
        each.end()
      }
      return deaf
    },
  })
  const initiator = new Initiator(near)
  const ears = Array.from({ length: count }, () => new Ear())
  const done = Promise.all(ears.map((ear) => once(ear, 'done')))
  for (const ear of ears) initiator.open(requestHead(), ear)
  assert.deepEqual(new Set((await done).flat()), new Set(['end']))
  assert.ok(ears.every(({ bytes }) => bytes === 2000))
})

test('a trunk that breaks is lost to every open exchange on both sides, once', async () => {
  const [near, far] = pipePair()
  const heard = new EventEmitter()
  const lost = once(heard, 'reset')
  const accepted = once(heard, 'accepted')
  const responder = new Responder(far, {
    accept: (exchange) => {
      heard.emit('accepted', exchange)
      return { ...deaf, reset: (code) => heard.emit('reset', code) }
    },
  })
  const initiator = new Initiator(near)
  const ear = new Ear()
  const done = once(ear, 'done')
  initiator.open(requestHead(), ear)
  await accepted
  far.abort(new Error('gone'))
  assert.deepEqual(await done, ['TRUNK_LOST'])
  assert.deepEqual(await lost, ['TRUNK_LOST'])
  await Promise.all([initiator.closed, responder.closed])
  assert.throws(() => initiator.open(requestHead(), ear), { code: 'SERVICE_UNREACHABLE' })
})

test('octets that are no trunk end it, and say so to whoever keeps count', async () => {
  const [near, far] = pipePair()
  const violations: string[] = []
  const responder = new Responder(far, { accept: () => deaf, violation: (detail) => violations.push(detail) })
  near.read({ data() {}, drain() {}, end() {}, close() {} })
  near.send([Buffer.from('GET / HTTP/1.1\r\n\r\n')])
  await responder.closed
  assert.equal(violations.length, 1)
})

test('a drained trunk finishes what is open, then both sides close it', async () => {
  const [near, far] = pipePair()
  const heard = new EventEmitter()
  const accepted = once(heard, 'accepted')
  const draining = once(heard, 'draining')
  const responder = new Responder(far, {
    accept: (exchange) => {
      heard.emit('accepted', exchange)
      return deaf
    },
  })
  const initiator = new Initiator(near, { draining: () => heard.emit('draining') })
  const ear = new Ear()
  const done = once(ear, 'done')
  initiator.open(requestHead(), ear)
  const [exchange] = (await accepted) as [Incoming]
  responder.drain()
  await draining
  assert.throws(() => initiator.open(requestHead(), new Ear()), { code: 'DRAINING' })
  exchange.respond(responseHead())
  exchange.end()
  assert.deepEqual(await done, ['end'])
  await Promise.all([initiator.closed, responder.closed])
})

test('a trunk is retired before it runs out of ids, and what is open on it is answered', async () => {
  const [near, far] = pipePair()
  const waiting: Incoming[] = []
  new Responder(far, {
    accept(exchange) {
      waiting.push(exchange)
      return deaf
    },
  })
  let retired = 0
  const initiator = new Initiator(near, { limits: { exchangesInAll: 3 }, draining: () => (retired += 1) })
  const ears = [new Ear(), new Ear(), new Ear()]
  const done = ears.map((ear) => once(ear, 'done'))
  for (const [at, ear] of ears.entries()) {
    assert.deepEqual([initiator.usable, retired], [true, 0], `${at} were opened`)
    initiator.open(requestHead(), ear)
  }
  assert.deepEqual([initiator.usable, retired], [false, 1])
  assert.throws(() => initiator.open(requestHead(), new Ear()), { code: 'DRAINING' })
  while (waiting.length < ears.length) await turn()
  for (const each of waiting) {
    each.respond(responseHead())
    each.end()
  }
  assert.deepEqual((await Promise.all(done)).flat(), ['end', 'end', 'end'])
  await initiator.closed
  assert.equal(retired, 1)
})

test('the ids of a trunk are not used up when it is retired', () => {
  assert.ok(defaultLimits.exchangesInAll <= 2 ** 32 / 4)
})
