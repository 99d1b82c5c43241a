import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soonest } from '../src/deadline.ts'

/** Comes to its end when it is no longer wanted, and not before. */
function heldUp(signal: AbortSignal, value: string): Promise<string> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(value)))
}

test('an attempt that is held up keeps no other from succeeding, and what comes of it is discarded', async () => {
  const discarded: string[] = []
  let attempts = 0
  const attempt = async (signal: AbortSignal) => {
    attempts += 1
    return attempts === 1 ? await heldUp(signal, 'late') : 'in time'
  }
  assert.equal(await soonest(attempt, { withinMs: 10_000, discard: (value) => discarded.push(value) }), 'in time')
  await new Promise(setImmediate)
  assert.deepEqual([attempts, discarded], [2, ['late']])
})

test('when every attempt has failed it throws what the last one threw, and makes no other', async () => {
  let attempts = 0
  const attempt = async () => {
    attempts += 1
    throw new RangeError('no way')
  }
  await assert.rejects(soonest(attempt, { withinMs: 10_000, discard: () => {} }), RangeError)
  assert.equal(attempts, 1)
})

test('when the time is up it throws', async () => {
  const attempt = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  await assert.rejects(soonest(attempt, { withinMs: 10, discard: () => {} }), { name: 'TimeoutError' })
})
