import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadlines, type Watched } from '../src/deadlines.ts'

const past = 0
const sweepMs = 250

/** Says how often it was told that its time is up. */
class Thing implements Watched {
  deadlineMs: number
  place = -1
  expired = 0

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs
  }

  expire(): void {
    this.expired += 1
  }
}

test('what is past its deadline is told so soon, and nothing else is', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const deadlines = new Deadlines()
  const late = new Thing(past)
  const never = new Thing(Number.POSITIVE_INFINITY)
  const soon = new Thing(performance.now() + 3600_000)
  for (const thing of [late, never, soon]) deadlines.add(thing)
  assert.equal(late.expired, 0)
  context.mock.timers.tick(sweepMs)
  assert.deepEqual([late.expired, never.expired, soon.expired], [1, 0, 0])
  soon.deadlineMs = past
  context.mock.timers.tick(sweepMs)
  assert.equal(soon.expired, 1)
})

test('what was taken off, or given more time, is not told', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const deadlines = new Deadlines()
  const done = new Thing(past)
  const given = new Thing(past)
  deadlines.add(done)
  deadlines.add(given)
  assert.equal(deadlines.size, 2)
  deadlines.delete(done)
  given.deadlineMs = Number.POSITIVE_INFINITY
  context.mock.timers.tick(10 * sweepMs)
  assert.deepEqual([done.expired, given.expired, deadlines.size], [0, 0, 1])
})

test('things that take themselves off while they expire are told once', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const deadlines = new Deadlines()
  const things = Array.from({ length: 100 }, () => new Thing(past))
  for (const thing of things) {
    deadlines.add({
      deadlineMs: past,
      place: -1,
      expire() {
        thing.expire()
        deadlines.delete(this)
      },
    })
  }
  context.mock.timers.tick(3 * sweepMs)
  assert.ok(things.every(({ expired }) => expired === 1))
  assert.equal(deadlines.size, 0)
})

test('after the end nothing is told any more', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const deadlines = new Deadlines()
  const thing = new Thing(past)
  deadlines.add(thing)
  deadlines.stop()
  context.mock.timers.tick(10 * sweepMs)
  assert.equal(thing.expired, 0)
})

test('what is added and taken off in any order is kept exactly', () => {
  const deadlines = new Deadlines()
  const kept = new Set<Thing>()
  const things = Array.from({ length: 50 }, () => new Thing(past))
  // Every place in turn, so that first, last and middle ones go, some twice.
  for (let i = 0; i < 2000; i++) {
    const thing = things[(i * 7919) % things.length]
    if (thing === undefined) throw new Error('no such thing')
    if (kept.delete(thing)) deadlines.delete(thing)
    else {
      kept.add(thing)
      deadlines.add(thing)
      deadlines.add(thing)
    }
    assert.equal(deadlines.size, kept.size)
  }
  deadlines.stop()
})
