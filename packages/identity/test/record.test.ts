import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PosternError, type ServiceRecord } from '@postern/protocol'
import { generateKey, sealRecord, verifyRecord } from '../src/index.ts'

const clock = { now: () => 1_700_000_000_000 }
const invalid = (error: unknown) => error instanceof PosternError && error.code === 'RECORD_INVALID'

function recordOf(egress: string): ServiceRecord {
  return { service: 'ab'.repeat(32), egress, sequence: 1, expiresMs: clock.now() + 1000, weight: 1, draining: false }
}

test('a record is believed when the egress that it names has signed it', async () => {
  const key = generateKey()
  const record = recordOf(key.peerId.toString())
  assert.deepEqual(await verifyRecord(await sealRecord(record, key.signing), record.egress, clock), record)
})

test('a record signed by another, of another egress, altered or out of date is refused', async () => {
  const key = generateKey()
  const other = generateKey()
  const record = recordOf(key.peerId.toString())
  const sealed = await sealRecord(record, key.signing)
  await assert.rejects(verifyRecord(await sealRecord(record, other.signing), record.egress, clock), invalid)
  await assert.rejects(
    verifyRecord(await sealRecord(recordOf(other.peerId.toString()), key.signing), record.egress, clock),
    invalid,
  )
  await assert.rejects(verifyRecord(`${sealed.slice(0, -3)}AAA`, record.egress, clock), invalid)
  await assert.rejects(
    verifyRecord(await sealRecord({ ...record, expiresMs: clock.now() }, key.signing), record.egress, clock),
    invalid,
  )
  await assert.rejects(verifyRecord('not a record', record.egress, clock), invalid)
})
