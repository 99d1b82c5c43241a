import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Nursery } from '../src/nursery.ts'

const pieceBytes = 64 * 1024
const pieces = 8000
const oldBytes = 32 * 1024 * 1024
const tickMs = 10_000

/**
 * The most octets that lie in buffers while half a gigabyte is passed on, a turn of the event loop for every sixteen, and
 * so many of the last are still needed.
 */
async function peak(passed: (bytes: number) => void, needed = 0): Promise<number> {
  const before = process.memoryUsage().arrayBuffers
  const kept: Buffer[] = []
  let most = 0
  for (let i = 0; i < pieces; i++) {
    const buffer = Buffer.alloc(pieceBytes)
    if (needed > 0) kept[i % needed] = buffer
    passed(buffer.byteLength)
    if (i % 16 !== 0) continue
    await nextTurn()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  return most
}

/** Holds buffers until what collects young objects leaves them alone. */
async function growOld(nursery: Nursery): Promise<Buffer[]> {
  const held = Array.from({ length: oldBytes / pieceBytes }, () => Buffer.alloc(pieceBytes))
  for (let times = 0; times < 3; times++) {
    nursery.passed(oldBytes)
    await nextTurn()
    await nextTurn()
  }
  return held
}

test('buffers that were passed on are freed soon, however many there are', async () => {
  const freed = await peak(new Nursery({ threads: 0 }).passed)
  assert.ok(freed < 32 * 1024 * 1024, `${freed} octets at a time`)
})

test('buffers that are needed until they are old are freed while the node is busy', async () => {
  const held = await peak(new Nursery({ threads: 0 }).passed, 128)
  assert.ok(held < 32 * 1024 * 1024, `${held} octets at a time`)
})

test('buffers that have become old are freed once the node is quiet', { timeout: 10_000 }, async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  const nursery = new Nursery({ threads: 0 })
  nursery.start()
  try {
    const held = await growOld(nursery)
    const before = process.memoryUsage().arrayBuffers
    held.length = 0
    mock.timers.tick(tickMs)
    await nextTurn()
    assert.ok(before - process.memoryUsage().arrayBuffers < oldBytes / 2, 'not while it is busy')
    mock.timers.tick(tickMs)
    // What is freed is counted by a helper thread.
    while (before - process.memoryUsage().arrayBuffers < oldBytes / 2) await nextTurn()
  } finally {
    nursery.stop()
    mock.timers.reset()
  }
})
