import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { callDirectly } from '../src/link/direct.ts'

/** A stream that is called directly, and the far end of it. */
function called() {
  const [near, far] = multiaddrConnectionPair({ delay: 0 })
  callDirectly(near)
  return { near, far }
}

function texts(stream: ReturnType<typeof called>['near']): string[] {
  const heard: string[] = []
  stream.addEventListener('message', (event) => heard.push(Buffer.from(event.data.subarray()).toString()))
  return heard
}

test('every listener hears every message, in order, and the end', async () => {
  const { far, near } = called()
  const [one, other] = [texts(near), texts(near)]
  far.send(Buffer.from('first'))
  far.send(Buffer.from('second'))
  await Promise.all([once(near, 'close'), far.close()])
  assert.equal(one.join(' '), 'first second')
  assert.deepEqual(other, one)
})

test('what arrives before anybody listens, or while the stream is paused, waits', async () => {
  const { far, near } = called()
  far.send(Buffer.from('early'))
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  const heard = texts(near)
  const first = once(near, 'message')
  await first
  near.pause()
  far.send(Buffer.from('late'))
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.deepEqual(heard, ['early'])
  near.resume()
  assert.deepEqual(heard, ['early', 'late'])
})

test('a listener that was removed hears nothing more, and one with options hears what the platform gives it', async () => {
  const { far, near } = called()
  const heard: string[] = []
  const gone = () => heard.push('gone')
  near.addEventListener('message', gone)
  near.removeEventListener('message', gone)
  near.addEventListener('message', (event) => heard.push(event.constructor.name), { once: true })
  const all = texts(near)
  far.send(Buffer.from('a'))
  await Promise.all([once(near, 'close'), far.close()])
  assert.deepEqual(heard, ['StreamMessageEvent'])
  assert.equal(all.join(''), 'a')
})
