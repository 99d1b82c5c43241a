import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignedRecord } from '@postern/protocol'
import { answerLookup, readLookup } from '../src/circuit/answer.ts'
import { linkedPair } from './streams.ts'

const key = Buffer.alloc(32, 6)
const recordOf = (size: number): SignedRecord => ({ record: `a.b.${'c'.repeat(size)}`, credential: 'd.e.f~' })

test('a lookup is answered with the records, or with as many as have room', async () => {
  await using pair = await linkedPair()
  for (const [sizes, expected] of [
    [[], 0],
    [[400, 400, 400], 3],
    [Array.from({ length: 8 }, () => 4000), 4],
  ] as const) {
    const [near, far] = await pair.open()
    const records = sizes.map(recordOf)
    const [read] = await Promise.all([
      readLookup(near, key, AbortSignal.timeout(5000)),
      answerLookup(far, key, records),
    ])
    assert.deepEqual(read, records.slice(0, expected))
  }
})
