import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { generateKey } from '@postern/identity'
import {
  encodeMessage,
  encodeSealedRecords,
  lookupAnswerSize,
  maxRecordsPerAnswer,
  sealedRecordSize,
} from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { answerGuards, answerLookup, readGuards, readLookup, sealLookup } from '../src/circuit/answer.ts'
import { linkedPair } from './streams.ts'

const key = Buffer.alloc(32, 6)
const recordOf = (octet: number) => Buffer.alloc(sealedRecordSize, octet)
const peer = generateKey().peerId.toString()
const relay = { peer, addresses: ['/dns4/relay.example.net/tcp/4001'] }

test('a lookup is answered with the records, which are of one size, as is the answer', async () => {
  await using pair = await linkedPair()
  for (const count of [0, 3, maxRecordsPerAnswer]) {
    const [near, far] = await pair.open()
    const records = Array.from({ length: count }, (_, at) => recordOf(at))
    const [read] = await Promise.all([
      readLookup(near, key, AbortSignal.timeout(5000)),
      answerLookup(far, key, records),
    ])
    assert.deepEqual(
      read.map((record) => Buffer.from(record)),
      records,
    )
  }
})

test('guards are told, or as many as have room, in answers of the same size', async () => {
  await using pair = await linkedPair()
  for (const count of [0, 3, 400]) {
    const [near, far] = await pair.open()
    const relays = Array.from({ length: count }, () => relay)
    const [read] = await Promise.all([readGuards(near, key, AbortSignal.timeout(5000)), answerGuards(far, key, relays)])
    assert.deepEqual(read, relays.slice(0, read.length))
    assert.ok(count < 100 ? read.length === count : read.length > 100)
  }
  const sizes = [encodeSealedRecords([]), encodeSealedRecords([recordOf(1)]), encodeMessage({ relays: [relay] })]
  assert.equal(new Set(sizes.map((octets) => sealLookup(octets, key).length)).size, 1)
})

test('a lookup leaves no circuit open, whether it was answered, altered, cut short or given up', async () => {
  await using pair = await linkedPair()
  const sealed = sealLookup(encodeSealedRecords([]), key)
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
