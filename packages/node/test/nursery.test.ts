import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { nursery } from '../src/nursery.ts'

const pieceBytes = 64 * 1024
const pieces = 8000

/** The most octets that lie in buffers while half a gigabyte is passed on, a turn of the event loop for every sixteen. */
async function peak(passed: (bytes: number) => void): Promise<number> {
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let i = 0; i < pieces; i++) {
    passed(Buffer.alloc(pieceBytes).byteLength)
    if (i % 16 !== 0) continue
    await nextTurn()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  return most
}

test('buffers that were passed on are freed soon, however many there are', async () => {
  const freed = await peak(nursery())
  assert.ok(freed < 32 * 1024 * 1024, `${freed} octets at a time`)
})
