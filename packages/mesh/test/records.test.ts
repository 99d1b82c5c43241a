import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxRecordsPerAnswer, maxRecordsPerPeer } from '@postern/protocol'
import { Records } from '../src/directory/records.ts'

const clock = { nowMs: 1000, now: () => clock.nowMs }
const signed = { record: 'a.b.c', credential: 'd.e.f~' }
const recordOf = (egress: string, service: string, sequence = 1) => ({
  service,
  egress,
  sequence,
  expiresMs: 2000,
  weight: 1,
  draining: false,
})

test('the newest record of an egress wins, and an old one does not come back', () => {
  const records = new Records(clock)
  assert.equal(records.put(recordOf('e', 's', 2), { ...signed, record: 'new' }), 'kept')
  assert.equal(records.put(recordOf('e', 's', 1), { ...signed, record: 'old' }), 'old')
  assert.deepEqual(
    records.of('s').map(({ record }) => record),
    ['new'],
  )
})

test('records leave with the link of their egress, and expire by themselves', () => {
  const records = new Records(clock)
  records.put(recordOf('e', 's'), signed)
  records.put(recordOf('f', 's'), signed)
  records.removeAll('e')
  assert.equal(records.of('s').length, 1)
  clock.nowMs = 3000
  assert.equal(records.of('s').length, 0)
  clock.nowMs = 1000
  records.removeAll('f')
  assert.deepEqual([records.size, records.services], [0, []])
})

test('one egress cannot fill a guard, and one answer has its ceiling', () => {
  const records = new Records(clock)
  const taken = Array.from({ length: maxRecordsPerPeer + 1 }, (_, at) => records.put(recordOf('e', `s${at}`), signed))
  assert.equal(taken.filter((answer) => answer === 'kept').length, maxRecordsPerPeer)
  assert.equal(taken.at(-1), 'full')
  for (let at = 0; at < 20; at++) records.put(recordOf(`f${at}`, 's'), signed)
  assert.equal(records.of('s').length, maxRecordsPerAnswer)
})
