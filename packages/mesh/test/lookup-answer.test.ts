import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { lookupAnswerSize, type SignedRecord } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { answerLookup, readLookup, sealLookup } from '../src/circuit/answer.ts'
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

test('a lookup leaves no circuit open, whether it was answered, altered, cut short or given up', async () => {
  await using pair = await linkedPair()
  const sealed = sealLookup(Buffer.from('[]'), key)
  const answers: Record<string, (far: Stream, giveUp: () => void) => unknown> = {
    answered: (far) => far.send(sealed),
    altered: (far) => far.send(Buffer.alloc(lookupAnswerSize + 16)),
    'cut short': (far) => far.close(),
    'given up': (far, giveUp) => far.send(sealed.subarray(1)) && giveUp(),
  }
  for (const [how, answer] of Object.entries(answers)) {
    const [near, far] = await pair.open()
    const over = new AbortController()
    const read = readLookup(near, key, over.signal).catch(() => 'failed')
    await answer(far, () => over.abort())
    assert.deepEqual(await read, how === 'answered' ? [] : 'failed')
    await eventually(`${how}: the far end is over`, () => far.status !== 'open')
    assert.notEqual(near.status, 'open')
  }
})
