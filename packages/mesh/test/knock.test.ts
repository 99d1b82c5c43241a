import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inviteSecretOf, maxInviteLifeMs } from '@postern/identity'
import { knockToleranceMs } from '@postern/protocol'
import fc from 'fast-check'
import { KnockJudge, makeKnock } from '../src/link/knock.ts'

const secret = Buffer.alloc(32, 1)
const listener = '12D3KooWListener'

function judgeAt(start: number, secrets: Buffer[] = [secret]) {
  const clock = { nowMs: start, now: () => clock.nowMs }
  return {
    clock,
    judge: new KnockJudge({ knock: () => ({ secret }), heard: () => secrets, clock, refused: () => {} }, listener),
  }
}

test('a knock with the secret, for this listener and of now, is good, once', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = makeKnock({ secret }, listener, clock.now())
  assert.equal(judge.judge(knock), undefined)
  assert.equal(judge.judge(knock), 'replayed')
  assert.equal(judge.judge(makeKnock({ secret }, listener, clock.now())), undefined)
})

test('a replay is still known at the end of the time in which the knock would be good', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = makeKnock({ secret }, listener, clock.nowMs + knockToleranceMs)
  assert.equal(judge.judge(knock), undefined)
  clock.nowMs += knockToleranceMs
  judge.judge(makeKnock({ secret }, listener, clock.nowMs))
  clock.nowMs += knockToleranceMs
  assert.equal(judge.judge(knock), 'replayed')
})

test('a knock with another secret, for another listener, too old or too new is refused', () => {
  const { clock, judge } = judgeAt(1_000_000)
  assert.equal(judge.judge(makeKnock({ secret: Buffer.alloc(32, 2) }, listener, clock.now())), 'wrong')
  assert.equal(judge.judge(makeKnock({ secret }, '12D3KooWOther', clock.now())), 'wrong')
  assert.equal(judge.judge(makeKnock({ secret }, listener, clock.now() - knockToleranceMs - 1)), 'late')
  assert.equal(judge.judge(makeKnock({ secret }, listener, clock.now() + knockToleranceMs + 1)), 'late')
  const other = { secret: Buffer.alloc(32, 2) }
  assert.equal(judge.judge(makeKnock(other, listener, clock.now() - knockToleranceMs - 1)), 'wrong')
})

test('while a secret is replaced, both are answered to', () => {
  const next = Buffer.alloc(32, 9)
  const { clock, judge } = judgeAt(1_000_000, [next, secret])
  assert.equal(judge.judge(makeKnock({ secret }, listener, clock.now())), undefined)
  assert.equal(judge.judge(makeKnock({ secret: next }, listener, clock.now())), undefined)
})

test('the right to knock that comes with an invite ends with it, and cannot be drawn out', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const untilMs = clock.nowMs + 3600_000
  const invite = inviteSecretOf(secret, untilMs)
  const knocks = (until: number | undefined) =>
    judge.judge(makeKnock({ secret: invite, ...(until !== undefined && { untilMs: until }) }, listener, clock.now()))
  assert.equal(knocks(untilMs), undefined)
  for (const other of [untilMs + 1, untilMs + 3600_000, undefined]) assert.equal(knocks(other), 'wrong')
  clock.nowMs = untilMs
  assert.equal(knocks(untilMs), 'wrong')
  const far = clock.nowMs + maxInviteLifeMs + 1
  const distant = { secret: inviteSecretOf(secret, far), untilMs: far }
  assert.equal(judge.judge(makeKnock(distant, listener, clock.now())), 'wrong')
})

test('a knock altered in any octet is refused, and no octets make the judge throw', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = makeKnock({ secret }, listener, clock.now())
  fc.assert(
    fc.property(fc.nat(knock.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Buffer.from(knock)
      altered[at] = (altered[at] ?? 0) ^ flip
      assert.notEqual(judge.judge(altered), undefined)
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => assert.notEqual(judge.judge(octets), undefined)))
})
