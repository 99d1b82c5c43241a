import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Allowance } from '../src/limits/allowance.ts'
import { Conduct, offences } from '../src/limits/conduct.ts'
import { EnrolmentGate } from '../src/limits/enrolments.ts'
import { askingPace, Pace } from '../src/limits/pace.ts'
import { defaultRelayLimits, leastPerSecond } from '../src/limits/relay-limits.ts'
import { Remembered } from '../src/limits/remembered.ts'
import { TokenBucket } from '../src/limits/token-bucket.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

function clockAt(nowMs = 1_000_000) {
  const clock = { nowMs, now: () => clock.nowMs }
  return clock
}

/** Steps of a clock, now and then backwards, each followed by something. */
const steps = fc.array(fc.tuple(fc.integer({ min: -50, max: 2000 }), fc.integer({ min: 1, max: 5 })), {
  maxLength: 200,
})

test('a bucket never gives more than it holds at once and gets back, whatever the clock does', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 5, max: 20 }), (moves, perSecond, burst) => {
      const clock = clockAt()
      const bucket = new TokenBucket({ clock, perSecond, burst })
      let given = 0
      let elapsedMs = 0
      for (const [stepMs, cost] of moves) {
        clock.nowMs += stepMs
        elapsedMs += Math.max(0, stepMs)
        if (bucket.take(cost)) given += cost
        assert.ok(given <= burst + (elapsedMs * perSecond) / 1000 + 1e-6)
      }
    }),
  )
})

test('whoever waits for as long as it is told keeps to the rate, and what would take too long is not owed', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 50 }), (moves, perSecond) => {
      const clock = clockAt()
      const bucket = new TokenBucket({ clock, perSecond, burst: 5 })
      let owed = 0
      let lastDueMs = 0
      const started = clock.nowMs
      for (const [stepMs, cost] of moves) {
        clock.nowMs += Math.max(0, stepMs)
        const waitMs = bucket.owe(cost, 3000)
        if (waitMs === undefined) continue
        owed += cost
        lastDueMs = Math.max(lastDueMs, clock.nowMs + waitMs)
        assert.ok(waitMs <= 3000)
        assert.ok(owed <= 5 + ((lastDueMs - started) * perSecond) / 1000 + 1e-6)
      }
    }),
  )
})

test('a restart that opens as many as may be open at once is within the limits', () => {
  const { circuitsPerNeighbour: burst, circuitsPerSecond: perSecond } = defaultRelayLimits
  const allowance = new Allowance({ clock: clockAt(), perSecond, burst })
  for (let asked = 0; asked < burst; asked++) assert.equal(allowance.ask('ingress'), 'within')
  assert.equal(allowance.ask('ingress'), 'over')
  assert.equal(allowance.ask('another'), 'within')
})

test('a neighbour at twice its rate is refused half of it and is never taken for a flood', () => {
  const clock = clockAt()
  const allowance = new Allowance({ clock, perSecond: 100, burst: 100 })
  const verdicts = { within: 0, over: 0, flood: 0 }
  for (let asked = 0; asked < 200 * 600; asked++) {
    clock.nowMs += 5
    verdicts[allowance.ask('busy')] += 1
  }
  assert.equal(verdicts.flood, 0)
  assert.ok(Math.abs(verdicts.within - 60_000) <= 100)
})

test('a flood is known for one, sooner the faster it is', () => {
  const untilFlood = (perSecond: number) => {
    const clock = clockAt()
    const started = clock.nowMs
    const allowance = new Allowance({ clock, perSecond: 10, burst: 100 })
    while (allowance.ask('flooder') !== 'flood') clock.nowMs += 1000 / perSecond
    return clock.nowMs - started
  }
  assert.ok(untilFlood(60) > 10_000)
  assert.ok(untilFlood(600) < 2000)
  assert.ok(untilFlood(6000) < untilFlood(600))
})

test('a node that keeps to its own pace is no flood to a relay with the least limits there may be', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 50, maxLength: 400 }), (pauses) => {
      const clock = clockAt()
      const allowance = new Allowance({ clock, perSecond: leastPerSecond, burst: 1 })
      const pace = new TokenBucket({ clock, ...askingPace })
      for (const pauseMs of pauses) {
        clock.nowMs += pauseMs
        for (let wanted = 0; wanted < 20; wanted++) if (pace.take()) assert.notEqual(allowance.ask('ingress'), 'flood')
      }
    }),
  )
})

test('what waits for its turn waits its time, and what would wait for too long fails at once', async () => {
  const pace = new Pace({ clock: clockAt(), perSecond: 100, burst: 1, maxWaitMs: 15 })
  const { signal } = new AbortController()
  const started = performance.now()
  await pace.turn('relay', signal)
  await pace.turn('relay', signal)
  assert.ok(performance.now() - started >= 8)
  await assert.rejects(pace.turn('relay', signal), { code: 'BUSY' })
  await pace.turn('another', signal)
})

test('offences now and then are borne, and many at once bring a ban', () => {
  const clock = clockAt()
  const conduct = new Conduct(clock)
  for (let minute = 0; minute < 600; minute++) {
    clock.nowMs += minuteMs
    for (let each = 0; each < 6; each++) assert.equal(conduct.commit('clumsy', 'malformed'), undefined)
  }
  const bans = Array.from({ length: 20 }, () => conduct.commit('bad', 'malformed')).filter((ban) => ban !== undefined)
  assert.deepEqual(bans, [{ forMs: 10_000, number: 1 }])
  assert.deepEqual([conduct.banned('bad'), conduct.banned('clumsy'), conduct.bannedNow], [true, false, 1])
})

test('each ban is twice as long as the one before, an hour at most, and an hour of good behaviour makes up for them', () => {
  const clock = clockAt()
  const conduct = new Conduct(clock)
  const seconds: number[] = []
  for (let nth = 0; nth < 11; nth++) {
    const ban = conduct.commit('bad', 'flood')
    assert.ok(ban)
    seconds.push(ban.forMs / 1000)
    assert.equal(conduct.commit('bad', 'flood'), undefined)
    clock.nowMs += ban.forMs - 1
    assert.ok(conduct.banned('bad'))
    clock.nowMs += 1
    assert.ok(!conduct.banned('bad'))
  }
  assert.deepEqual(seconds, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600])
  clock.nowMs += hourMs
  assert.deepEqual(conduct.commit('bad', 'flood'), { forMs: 10_000, number: 1 })
})

test('whatever is committed by whom and when, nobody is banned for what another did, nor for less than is tolerated', () => {
  const kinds = Object.keys(offences) as Array<keyof typeof offences>
  const acts = fc.array(
    fc.record({
      stepMs: fc.integer({ min: 0, max: 20_000 }),
      peer: fc.constantFrom('a', 'b', 'c'),
      offence: fc.constantFrom(...kinds),
    }),
    { maxLength: 300 },
  )
  fc.assert(
    fc.property(acts, (list) => {
      const clock = clockAt()
      const conduct = new Conduct(clock)
      const light = new Map<string, number>()
      for (const { offence, peer, stepMs } of list) {
        clock.nowMs += stepMs
        const others = ['a', 'b', 'c'].filter((other) => other !== peer)
        const before = others.map((other) => conduct.banned(other))
        const kept = conduct.banned(peer)
        const ban = conduct.commit(peer, offence)
        assert.deepEqual(
          others.map((other) => conduct.banned(other)),
          before,
        )
        if (!kept) light.set(peer, (light.get(peer) ?? 0) + 1)
        if (offence === 'flood') assert.equal(ban === undefined, kept)
        else if (ban !== undefined) assert.ok((light.get(peer) ?? 0) > 1)
        if (ban?.number === 1 && offence !== 'flood') assert.ok((light.get(peer) ?? 0) > 10)
        assert.equal(conduct.banned(peer), kept || ban !== undefined)
      }
    }),
  )
})

test('as many are remembered as there is room for, and one that is asked for is not forgotten', () => {
  const clock = clockAt()
  let made = 0
  const remembered = new Remembered({ clock, lifeMs: 1000, ceiling: 10, make: () => ({ made: ++made }) })
  const kept = remembered.of('kept')
  for (let other = 0; other < 1000; other++) {
    remembered.of(`other ${other}`)
    assert.equal(remembered.of('kept'), kept)
    assert.ok(remembered.values.length <= 20)
  }
  clock.nowMs += 1999
  assert.equal(remembered.find('kept'), kept)
  assert.equal(remembered.of('kept'), kept)
  clock.nowMs += 2000
  assert.notEqual(remembered.of('kept'), kept)
  assert.equal(remembered.find('other 1'), undefined)
})

test('an authority is asked six times a minute by one member, or by all keys of one invite, and sixty by all', () => {
  const clock = clockAt()
  const refused: string[] = []
  const gate = new EnrolmentGate({ clock, meter: { count: (name) => refused.push(name) } })
  const passed = (asked: number, by: (at: number) => Parameters<EnrolmentGate['passes']>[0]) =>
    Array.from({ length: asked }, (_, at) => gate.passes(by(at))).filter(Boolean).length
  const renewing = (at: number) => ({ id: `credential ${at}`, peer: 'member', roles: ['egress'] as const })
  assert.equal(passed(10, renewing), 6)
  assert.equal(
    passed(10, (at) => ({ id: 'invite', peer: `key ${at}`, roles: [] })),
    6,
  )
  assert.equal(
    passed(100, (at) => ({ id: '', peer: `other ${at}`, roles: ['relay'] })),
    48,
  )
  assert.equal(refused.length, 60)
  clock.nowMs += 10_000
  assert.equal(passed(10, renewing), 1)
})
