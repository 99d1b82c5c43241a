import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '@postern/observe'
import { eventually } from '@postern/test-kit'
import { Hand } from '../src/workers/hand.ts'

const data = { egress: undefined, log: { level: 'silent', node: 'n', fd: 2 } } as const

/** A thread that says that it has started, and then does as it is told here. */
const threadOf = (then: string) => {
  const answer = "port.postMessage({ type: 'answer', call: 0, urls: { value: [] } });"
  const code = `import { parentPort as port } from 'node:worker_threads'; ${answer} ${then}`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

test('a worker that ends on its own is lost, and so is what was asked of it', async () => {
  const thread = threadOf(`port.once('message', () => process.exit(3))`)
  const hand = await Hand.start({ data, meter: new Counters(), thread })
  assert.ok(hand.alive)
  await assert.rejects(hand.call({ type: 'drain', side: 'egress' }), { code: 'WORKER_LOST', message: /exit code 3/ })
  assert.equal((await hand.lost).code, 'WORKER_LOST')
  assert.equal(hand.alive, false)
  await assert.rejects(hand.call({ type: 'close', side: 'egress' }), { code: 'WORKER_LOST' })
  await hand.end()
})

test('a worker that cannot start says why', async () => {
  const thread = new URL(`data:text/javascript,throw new Error('not today')`)
  await assert.rejects(Hand.start({ data, meter: new Counters(), thread }), {
    code: 'WORKER_LOST',
    message: /not today/,
  })
})

test('what a worker counts and does is told, and one that does not end when asked is ended', async () => {
  const state = { requests: 2, exchanges: 1, services: [] }
  const thread = threadOf(
    `port.postMessage(${JSON.stringify({ type: 'state', state, counts: [['seen', 'x', 3]] })});
    setInterval(() => {}, 1000)`,
  )
  const counters = new Counters()
  const hand = await Hand.start({ data, meter: counters, thread })
  await eventually('it is told', () => hand.state.requests === 2)
  assert.deepEqual([counters.snapshot(), hand.counters.snapshot()], [{ 'seen{x}': 3 }, { 'seen{x}': 3 }])
  let lost = false
  void hand.lost.then(() => {
    lost = true
  })
  await hand.end()
  assert.equal(lost, false)
})

test('a worker of a node ends by itself', async () => {
  const hand = await Hand.start({ data, meter: new Counters() })
  assert.deepEqual(await hand.call({ type: 'close', side: 'ingress' }), [])
  const startMs = performance.now()
  await hand.end()
  assert.ok(performance.now() - startMs < 900)
})
