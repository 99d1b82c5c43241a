import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryKeyOf } from '@postern/identity'
import { maxRecordsPerAnswer, maxRecordsPerPeer, recordLifeMs } from '@postern/protocol'
import { Records } from '../src/directory/records.ts'

const clock = { nowMs: 1000, now: () => clock.nowMs }
const sealed = (text: string) => Buffer.from(text)

test('the record that came last takes the place of the one before', () => {
  const records = new Records(clock)
  for (const text of ['old', 'new']) assert.equal(records.put('s', 'e', sealed(text)), 'kept')
  assert.deepEqual(records.of('s').map(String), ['new'])
  assert.equal(records.size, 1)
})

test('records leave with the link of their egress, and expire by themselves', () => {
  const records = new Records(clock)
  records.put('s', 'e', sealed('e'))
  records.put('s', 'f', sealed('f'))
  assert.ok(records.hasKey(directoryKeyOf('s')))
  records.removeAll('e')
  assert.deepEqual(records.of('s').map(String), ['f'])
  clock.nowMs += recordLifeMs
  assert.equal(records.of('s').length, 0)
  records.sweep()
  assert.deepEqual([records.size, records.services, records.hasKey(directoryKeyOf('s'))], [0, [], false])
})

test('ids of days that are over do not use up what an egress may register', () => {
  const records = new Records(clock, 2)
  for (let day = 0; day < 10; day++) {
    assert.equal(records.put(`day ${day}`, 'e', sealed('r')), 'kept', `day ${day}`)
    clock.nowMs += recordLifeMs / 2
    records.sweep()
  }
  assert.equal(records.size, 1)
})

test('one egress cannot fill a guard, and one answer has its ceiling', () => {
  const records = new Records(clock)
  const taken = Array.from({ length: maxRecordsPerPeer + 1 }, (_, at) => records.put(`s${at}`, 'e', sealed('r')))
  assert.equal(taken.filter((answer) => answer === 'kept').length, maxRecordsPerPeer)
  assert.equal(taken.at(-1), 'full')
  for (let at = 0; at < 20; at++) records.put('s', `f${at}`, sealed('r'))
  assert.equal(records.of('s').length, maxRecordsPerAnswer)
})
