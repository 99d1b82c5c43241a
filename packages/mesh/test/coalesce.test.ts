import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { rank } from '@postern/protocol'
import { coalesce } from '../src/link/coalesce.ts'
import { collect, linkedPair } from './streams.ts'

const endOfTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A connection whose `send` writes down what leaves, as the layer below would see it. */
function observed() {
  const [stream] = multiaddrConnectionPair({ delay: 0 })
  const left: Buffer[] = []
  const send = stream.send.bind(stream)
  stream.send = (data) => {
    left.push(Buffer.from(data.subarray()))
    return send(data)
  }
  coalesce(stream, stream, rank.link)
  return { stream, left }
}

test('all that is sent within one turn leaves as one message, in order', async () => {
  const { left, stream } = observed()
  for (const text of ['a', 'bc', 'd']) stream.send(Buffer.from(text))
  assert.equal(left.length, 0)
  await endOfTurn()
  assert.deepEqual(left.map(String), ['abcd'])
})

test('what fills a message leaves at once', () => {
  const { left, stream } = observed()
  stream.send(Buffer.alloc(70_000))
  assert.deepEqual(
    left.map(({ length }) => length),
    [70_000],
  )
})

test('what was sent before the connection is closed still leaves', async () => {
  const { left, stream } = observed()
  stream.send(Buffer.from('last words'))
  await stream.close()
  assert.deepEqual(left.map(String), ['last words'])
})

test('nothing is said after an abort, and sending then throws as it always does', async () => {
  const { left, stream } = observed()
  stream.send(Buffer.from('lost'))
  stream.abort(new Error('gone'))
  await endOfTurn()
  assert.deepEqual(left, [])
  assert.throws(() => stream.send(Buffer.from('more')))
})

test('small messages cost no window update each', async () => {
  await using link = await linkedPair()
  const [sender, receiver] = await link.open()
  let updates = 0
  const { sendFrame } = receiver as unknown as { sendFrame: (...args: unknown[]) => boolean }
  Object.assign(receiver, {
    sendFrame(...args: unknown[]) {
      updates += 1
      return sendFrame(...args)
    },
  })
  const heard = collect(receiver)
  for (let at = 0; at < 1000; at++) {
    sender.send(Buffer.alloc(100))
    if (at % 10 === 0) await endOfTurn()
  }
  await sender.close()
  assert.equal((await heard).length, 100_000)
  assert.ok(updates <= 2, `${updates} window updates for 1000 small messages`)
})
