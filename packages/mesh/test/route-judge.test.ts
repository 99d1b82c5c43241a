import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { routeLifeMs } from '@postern/protocol'
import { RouteJudge } from '../src/circuit/route-judge.ts'

const clock = { now: () => 1_000_000 }
const madeAt = (timeMs: number) => ({ expiresMs: timeMs + routeLifeMs, nonce: randomBytes(16) })

test('a route made before the relay started is refused, one made since then is good, once', () => {
  const judge = new RouteJudge({ clock, ageMs: () => 5000 })
  assert.equal(judge.judge(madeAt(clock.now() - 5001)), 'EXPIRED')
  assert.equal(judge.judge(madeAt(clock.now() - 5000)), undefined)
  const route = madeAt(clock.now())
  assert.equal(judge.judge(route), undefined)
  assert.equal(judge.judge(route), 'EXPIRED')
})

test('a route is good for its time, and none is made for longer', () => {
  const judge = new RouteJudge({ clock, ageMs: () => 3600_000 })
  assert.equal(judge.judge(madeAt(clock.now() - routeLifeMs)), 'EXPIRED')
  assert.equal(judge.judge(madeAt(clock.now() + routeLifeMs + 1)), 'EXPIRED')
  assert.equal(judge.judge(madeAt(clock.now() + routeLifeMs)), undefined)
})
