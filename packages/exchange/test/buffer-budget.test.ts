import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExchangeFailureCode } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import fc from 'fast-check'
import { BufferBudget, defaultLimits, Initiator, Machine, Responder } from '../src/index.ts'
import { requestHead, responseHead } from './heads.ts'

const ignore = { body() {}, end() {}, reset() {}, writable() {} }

function callerOf(): Machine {
  const nothing = () => {}
  const events = { request: nothing, interim: nothing, response: nothing, body: nothing, end: nothing, over: nothing }
  const more = { reset: nothing, writable: nothing, goaway: nothing, pong: nothing, violation: nothing, wake: nothing }
  return new Machine('initiator', { ...events, ...more }, defaultLimits)
}

/** A trunk to a responder that takes nothing of what it is told. */
function trunkOf(buffers: BufferBudget) {
  const [near, far] = pipePair()
  const ended: Array<[string, ExchangeFailureCode]> = []
  let opened = 0
  const responder = new Responder(far, {
    buffers,
    accept(exchange, head) {
      opened += 1
      if (head.method === 'GET') {
        exchange.respond(responseHead())
        exchange.write(Buffer.alloc(50_000))
      }
      return { ...ignore, reset: (code) => ended.push([head.target, code]) }
    },
  })
  near.read({ data() {}, drain() {}, end() {}, close() {} })
  const caller = callerOf()
  const say = () => near.send(caller.pull(Number.POSITIVE_INFINITY))
  return { caller, ended, near, responder, say, opened: () => opened }
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

test('beyond what all trunks may hold together, the one that holds most gives up its heaviest exchange', async () => {
  const buffers = new BufferBudget(200_000)
  const modest = trunkOf(buffers)
  const greedy = trunkOf(buffers)
  const open = ({ caller, say }: typeof modest, target: string, bytes: number) => {
    const id = caller.request(requestHead({ method: 'POST', target, end: false }))
    caller.write(id, Buffer.alloc(bytes))
    say()
  }
  open(modest, '/modest', 30_000)
  open(greedy, '/light', 20_000)
  open(greedy, '/heavy', 60_000)
  open(greedy, '/middle', 50_000)
  await turns()
  assert.deepEqual([modest.ended, greedy.ended], [[], []])
  open(greedy, '/another', 55_000)
  await turns()
  assert.deepEqual([modest.ended, greedy.ended], [[], [['/heavy', 'BUFFERS_FULL']]])
  assert.ok(buffers.bytes <= 200_000)
})

test('heads alone, and answers to frames that are not read, are counted too', async () => {
  let shed = 0
  const buffers = new BufferBudget(1_000_000, () => {
    shed += 1
  })
  const trunk = trunkOf(buffers)
  for (let times = 0; times < 200; times++) {
    trunk.caller.request(requestHead({ fields: ['x', 'y'.repeat(10_000)] }))
    trunk.say()
    await turns()
    assert.ok(buffers.bytes <= 1_000_000)
  }
  assert.ok(shed > 0 && trunk.opened() > 0)
})

test('whatever trunks do and in which order, what is held is what is open, and nothing when all are over', async () => {
  const act = fc.record({
    trunk: fc.nat(2),
    does: fc.constantFrom('open', 'ask', 'reset', 'close'),
    bytes: fc.integer({ min: 1, max: 60_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
      const buffers = new BufferBudget(150_000)
      const trunks = [0, 1, 2].map(() => trunkOf(buffers))
      for (const { bytes, does, trunk } of acts) {
        const { caller, near, say } = trunks[trunk] ?? assert.fail()
        if (does === 'close') near.abort(new Error('gone'))
        else if (does === 'reset') caller.reset(1, 'CANCELLED')
        else {
          const id = caller.request(requestHead({ method: does === 'ask' ? 'GET' : 'POST', end: does === 'ask' }))
          if (does === 'open') caller.write(id, Buffer.alloc(bytes))
        }
        say()
        await turns()
        assert.ok(buffers.bytes >= 0 && buffers.bytes <= 150_000)
      }
      for (const { near } of trunks) near.abort(new Error('gone'))
      await turns()
      assert.equal(buffers.bytes, 0)
    }),
    { numRuns: 30 },
  )
})

test('what nobody takes of answers is given up at the initiator too, the heaviest first', async () => {
  const [near, far] = pipePair()
  const sizes: Readonly<Record<string, number>> = { '/light': 10_000, '/heavy': 60_000, '/more': 40_000 }
  new Responder(far, {
    accept(exchange, head) {
      exchange.respond(responseHead())
      exchange.write(Buffer.alloc(sizes[head.target] ?? 0))
      return ignore
    },
  })
  let shed = 0
  const initiator = new Initiator(near, { buffers: new BufferBudget(90_000, () => (shed += 1)) })
  const ended: Array<[string, ExchangeFailureCode]> = []
  for (const target of Object.keys(sizes)) {
    const reset = (code: ExchangeFailureCode) => ended.push([target, code])
    initiator.open(requestHead({ target }), { ...ignore, interim() {}, response() {}, reset })
  }
  await turns()
  assert.deepEqual(ended, [['/heavy', 'BUFFERS_FULL']])
  assert.deepEqual([shed, initiator.size], [1, 2])
})
