import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PosternError, type ServiceRecord, sealedRecordSize } from '@postern/protocol'
import {
  generateKey,
  openRecord,
  recordKeyOf,
  sealCredential,
  sealRecord,
  signRecord,
  subjectOf,
  undisclosed,
  verifyRecord,
} from '../src/index.ts'

const clock = { now: () => 1_700_000_000_000 }
const invalid = (error: unknown) => error instanceof PosternError && error.code === 'RECORD_INVALID'
const lookupKey = 'ab'.repeat(32)
const day = 19_675

function recordOf(egress: string): ServiceRecord {
  return { service: 'cd'.repeat(32), egress, guard: 'g', expiresMs: clock.now() + 1000, weight: 1 }
}

test('a record is believed when the egress that it names has signed it', async () => {
  const key = generateKey()
  const record = recordOf(key.peerId.toString())
  assert.deepEqual(await verifyRecord(await signRecord(record, key.signing), record.egress, clock), record)
})

test('a record signed by another, of another egress, altered or out of date is refused', async () => {
  const key = generateKey()
  const other = generateKey()
  const record = recordOf(key.peerId.toString())
  const signed = await signRecord(record, key.signing)
  await assert.rejects(verifyRecord(await signRecord(record, other.signing), record.egress, clock), invalid)
  await assert.rejects(
    verifyRecord(await signRecord(recordOf(other.peerId.toString()), key.signing), record.egress, clock),
    invalid,
  )
  await assert.rejects(verifyRecord(`${signed.slice(0, -3)}AAA`, record.egress, clock), invalid)
  await assert.rejects(
    verifyRecord(await signRecord({ ...record, expiresMs: clock.now() }, key.signing), record.egress, clock),
    invalid,
  )
  await assert.rejects(verifyRecord('not a record', record.egress, clock), invalid)
})

test('a sealed record opens with the key of its service and day alone, and tells of no egress otherwise', async () => {
  const key = generateKey()
  const peer = key.peerId.toString()
  const signed = { record: await signRecord(recordOf(peer), key.signing), credential: 'd.e.f~' }
  const sealed = sealRecord(signed, recordKeyOf(lookupKey, day))
  assert.deepEqual(openRecord(sealed, recordKeyOf(lookupKey, day)), signed)
  assert.equal(subjectOf(signed), peer)
  for (const wrong of [
    recordKeyOf(lookupKey, day + 1),
    recordKeyOf('ac'.repeat(32), day),
    Buffer.from(lookupKey, 'hex'),
  ])
    assert.throws(() => openRecord(sealed, wrong), invalid)
  assert.throws(
    () => openRecord(Buffer.concat([sealed.subarray(1), Buffer.alloc(1)]), recordKeyOf(lookupKey, day)),
    invalid,
  )
  assert.throws(() => openRecord(Buffer.alloc(3), recordKeyOf(lookupKey, day)), invalid)
  assert.equal(sealed.includes(key.libp2p.publicKey.raw), false)
  assert.notDeepEqual(sealRecord(signed, recordKeyOf(lookupKey, day)), sealed)
})

test('sealed records have one size, and the largest credential that an authority signs has room in one', async () => {
  const key = generateKey()
  const peer = key.peerId.toString()
  const by = { mesh: 'm'.repeat(32), key: key.signing, kid: 'k'.repeat(43) }
  const largest = { roles: ['relay', 'ingress', 'egress', 'authority'], services: [], lifeMs: 1000 } as const
  for (const name of ['n', '\u{10ffff}'.repeat(64), '"'.repeat(64)]) {
    const credential = undisclosed(await sealCredential({ ...largest, peer, name }, by, clock))
    const record = await signRecord({ ...recordOf(peer), guard: peer, weight: Number.MAX_SAFE_INTEGER }, key.signing)
    assert.equal(sealRecord({ record, credential }, recordKeyOf(lookupKey, day)).length, sealedRecordSize, name)
  }
  const tooLarge = { record: 'a.b.c', credential: `d.${'e'.repeat(sealedRecordSize)}.f~` }
  assert.throws(() => sealRecord(tooLarge, recordKeyOf(lookupKey, day)), invalid)
})
