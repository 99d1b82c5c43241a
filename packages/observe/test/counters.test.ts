import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../src/index.ts'

const maxLabels = 64

test('a count is kept by name and label', () => {
  const counters = new Counters()
  counters.count('requests')
  counters.count('requests')
  counters.count('failures', 'BUSY')
  counters.count('failures', 'BUSY', 3)
  counters.count('octets', undefined, 1024)
  assert.deepEqual(counters.snapshot(), { requests: 2, 'failures{BUSY}': 4, octets: 1024 })
})

test('a counter exists from its first use, and a snapshot does not change afterwards', () => {
  const counters = new Counters()
  const before = counters.snapshot()
  counters.count('requests')
  const after = counters.snapshot()
  counters.count('requests')
  assert.deepEqual(before, {})
  assert.deepEqual(after, { requests: 1 })
})

test('labels that a stranger makes up have a ceiling, and nothing goes uncounted', () => {
  const counters = new Counters()
  const made = 10_000
  for (let at = 0; at < made; at++) counters.count('refused', `label-${at}`)
  const snapshot = counters.snapshot()
  assert.ok(Object.keys(snapshot).length <= maxLabels + 1, `${Object.keys(snapshot).length} labels`)
  assert.equal(snapshot['refused{other}'], made - maxLabels)
  assert.equal(
    Object.values(snapshot).reduce((sum, count) => sum + count, 0),
    made,
  )
})

test('a label that was there before the ceiling goes on to be counted, and one name does not crowd out another', () => {
  const counters = new Counters()
  for (let at = 0; at < 2 * maxLabels; at++) counters.count('refused', `label-${at}`)
  counters.count('refused', 'label-0')
  counters.count('answered', 'new')
  assert.equal(counters.snapshot()['refused{label-0}'], 2)
  assert.equal(counters.snapshot()['answered{new}'], 1)
})

test('what is taken is counted no more', () => {
  const counters = new Counters()
  counters.count('requests', '', 2)
  counters.count('failures', 'BUSY')
  assert.deepEqual(counters.take(), [
    ['requests', '', 2],
    ['failures', 'BUSY', 1],
  ])
  assert.deepEqual(counters.take(), [])
  counters.count('requests')
  assert.deepEqual(counters.snapshot(), { requests: 1 })
})
