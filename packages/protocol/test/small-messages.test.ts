import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  covers,
  decodeGuardAnswer,
  decodeGuardRequest,
  decodeHello,
  decodeKnock,
  decodeLookupAnswer,
  decodeLookupRequest,
  decodeSealedRecords,
  decodeSignedRecord,
  encodeHello,
  encodeKnock,
  encodeMessage,
  encodeSealedRecords,
  exchangeFailures,
  failureOfWire,
  isServiceName,
  isServicePattern,
  knockHeadSize,
  lookupAnswerSize,
  maxDirectoryMessage,
  maxRecordsPerAnswer,
  sealedRecordSize,
} from '../src/index.ts'

const readers = {
  decodeGuardAnswer,
  decodeGuardRequest,
  decodeHello,
  decodeKnock,
  decodeLookupAnswer,
  decodeLookupRequest,
  decodeSealedRecords,
  decodeSignedRecord,
}

test('no octets make a message reader throw', () => {
  const jsonLike = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new Uint8Array(Buffer.from(text))),
  )
  for (const [name, read] of Object.entries(readers)) {
    fc.assert(
      fc.property(jsonLike, (octets) => assert.doesNotThrow(() => read(octets), name)),
      { numRuns: 200 },
    )
  }
})

test('a message over the ceiling is none', () => {
  const answer = {
    relays: Array.from({ length: 200 }, () => ({ peer: 'p'.repeat(100), addresses: ['/ip4/127.0.0.1/tcp/1'] })),
  }
  assert.ok(encodeMessage(answer).length > maxDirectoryMessage)
  assert.equal(decodeLookupAnswer(encodeMessage(answer)), undefined)
})

test('messages come back as they were', () => {
  const service = 'ab'.repeat(32)
  assert.deepEqual(decodeLookupRequest(encodeMessage({ type: 'relays' })), { type: 'relays' })
  assert.equal(decodeLookupRequest(Buffer.from('{"type":"guards"}')), undefined)
  const relays = [{ peer: 'p', addresses: ['/ip4/127.0.0.1/tcp/1'] }]
  assert.deepEqual(decodeLookupAnswer(encodeMessage({ relays })), { relays })
  const record = Buffer.alloc(sealedRecordSize, 7).toString('base64url')
  const requests = [{ type: 'register', service, record } as const, { type: 'withdraw', service } as const]
  for (const request of requests) assert.deepEqual(decodeGuardRequest(encodeMessage(request)), request)
  for (const bad of [
    { type: 'register', service },
    { type: 'register', service, record: record.slice(1) },
    { type: 'register', service: 'billing', record },
    { type: 'withdraw' },
  ])
    assert.equal(decodeGuardRequest(Buffer.from(JSON.stringify(bad))), undefined)
  assert.deepEqual(decodeGuardAnswer(encodeMessage({ ok: false, code: 'BUSY' })), { ok: false, code: 'BUSY' })
  const signed = { record: 'a.b.c', credential: 'd.e.f~' }
  assert.deepEqual(decodeSignedRecord(encodeMessage(signed)), signed)
})

test('sealed records come back, as many as an answer has room for, whatever they are followed by', () => {
  for (let count = 0; count <= maxRecordsPerAnswer; count++) {
    const records = Array.from({ length: count }, (_, at) => Buffer.alloc(sealedRecordSize, at))
    const octets = encodeSealedRecords(records)
    assert.ok(octets.length <= lookupAnswerSize)
    const padded = Buffer.concat([octets, Buffer.alloc(lookupAnswerSize - octets.length, ' ')])
    assert.deepEqual(
      decodeSealedRecords(padded)?.map((record) => Buffer.from(record)),
      records,
    )
    if (count > 0) assert.equal(decodeSealedRecords(octets.subarray(0, -1)), undefined)
  }
  assert.equal(decodeSealedRecords(Buffer.alloc(lookupAnswerSize, maxRecordsPerAnswer + 1)), undefined)
  assert.throws(() => encodeSealedRecords([Buffer.alloc(3)]), RangeError)
})

test('a record never carries what a credential discloses', () => {
  assert.equal(decodeSignedRecord(encodeMessage({ record: 'a.b.c', credential: 'd.e.f~secret~' })), undefined)
})

test('the head of a knock is 65 octets and comes back; a hello comes back with and without disclosure', () => {
  const times = { timeMs: 1_700_000_000_123, untilMs: 1_700_000_100_000 }
  const knock = { nonce: Buffer.alloc(16, 1), ...times, padding: 7, proof: Buffer.alloc(32, 2) }
  assert.equal(encodeKnock(knock).length, knockHeadSize)
  assert.deepEqual(decodeKnock(encodeKnock(knock)), knock)
  for (const credential of ['a.b.c~', 'a.b.c~d~'])
    for (const opening of [Buffer.alloc(0), Buffer.alloc(32, 5)])
      assert.deepEqual(decodeHello(encodeHello({ bulletin: 3, opening, credential })), {
        bulletin: 3,
        opening,
        credential,
      })
  assert.equal(decodeHello(encodeHello({ bulletin: 3, opening: Buffer.alloc(16), credential: 'a.b.c~' })), undefined)
})

test('each failure has a number of its own, and a number that none has is a violation', () => {
  const wires = Object.values(exchangeFailures).map(({ wire }) => wire)
  assert.equal(new Set(wires).size, wires.length)
  for (const [code, { wire }] of Object.entries(exchangeFailures)) assert.equal(failureOfWire(wire), code)
  assert.equal(failureOfWire(9999), 'PROTOCOL_VIOLATION')
})

test('what failures tell clients names no host, peer or address', () => {
  for (const { title } of Object.values(exchangeFailures))
    assert.doesNotMatch(title, /egress|relay|peer|guard|\d+\.\d+|:\d/i)
})

test('service names are DNS labels, and patterns cover what they say', () => {
  for (const name of ['a', 'billing', 'a-1', '0x']) assert.ok(isServiceName(name), name)
  for (const name of ['', '-a', 'a-', 'A', 'a.b', 'a'.repeat(64), 'a b']) assert.ok(!isServiceName(name), name)
  for (const pattern of ['*', 'billing', 'team-*', 'b*']) assert.ok(isServicePattern(pattern), pattern)
  for (const pattern of ['', '**', '*a', 'a*b']) assert.ok(!isServicePattern(pattern), pattern)
  assert.ok(covers(['team-*'], 'team-a') && covers(['*'], 'x') && covers(['x'], 'x'))
  assert.ok(!covers(['team-*'], 'tea') && !covers([], 'x') && !covers(['x'], 'xy'))
})
