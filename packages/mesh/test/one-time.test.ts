import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OneTime } from '../src/one-time.ts'

test('a mark is good once, and is forgotten only when it could not be used any more', () => {
  const clock = { nowMs: 0, now: () => clock.nowMs }
  const marks = new OneTime(clock, 100)
  assert.ok(marks.use('a'))
  for (const time of [0, 50, 99, 100, 150, 199]) {
    clock.nowMs = time
    assert.equal(marks.use('a'), false, `at ${time}`)
  }
  clock.nowMs = 400
  assert.ok(marks.use('a'))
})

test('a flood of marks does not grow it beyond its ceiling, and opens nothing', () => {
  const marks = new OneTime({ now: () => 0 }, 100, 3)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((mark) => marks.use(mark)),
    [true, true, true, false],
  )
  assert.equal(marks.use('a'), false)
})
