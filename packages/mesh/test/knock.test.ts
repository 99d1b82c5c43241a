import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inviteSecretOf, type KnockKey, knockMaskOf, maxInviteLifeMs } from '@postern/identity'
import { knockHeadSize, knockToleranceMs, maxKnockPadding } from '@postern/protocol'
import fc from 'fast-check'
import { KnockJudge, makeKnock } from '../src/link/knock.ts'

const secret = Buffer.alloc(32, 1)
const mask = knockMaskOf(secret)
const listener = '12D3KooWListener'

/** The head of a knock, which is all that is judged. */
const headOf = (key: Omit<KnockKey, 'mask'> & { readonly mask?: Buffer }, to: string, timeMs: number) =>
  makeKnock({ mask, ...key }, to, timeMs).subarray(0, knockHeadSize)
const member = { secret }
const elsewhere = { secret: Buffer.alloc(32, 2), mask: knockMaskOf(Buffer.alloc(32, 2)) }

function judgeAt(start: number, secrets: Buffer[] = [secret], ageMs = Number.POSITIVE_INFINITY) {
  const clock = { nowMs: start, now: () => clock.nowMs }
  const judge = new KnockJudge({ heard: () => secrets, clock, ageMs: () => ageMs }, listener)
  return {
    clock,
    judge: {
      /** Undefined when it is good. */
      judge(head: Uint8Array) {
        const judged = judge.judge(head)
        return typeof judged === 'string' ? judged : undefined
      },
    },
  }
}

test('a knock with the secret, for this listener and of now, is good, once', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = headOf(member, listener, clock.now())
  assert.equal(judge.judge(knock), undefined)
  assert.equal(judge.judge(knock), 'replayed')
  assert.equal(judge.judge(headOf(member, listener, clock.now())), undefined)
})

test('a replay is still known at the end of the time in which the knock would be good', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = headOf(member, listener, clock.nowMs + knockToleranceMs)
  assert.equal(judge.judge(knock), undefined)
  clock.nowMs += knockToleranceMs
  judge.judge(headOf(member, listener, clock.nowMs))
  clock.nowMs += knockToleranceMs
  assert.equal(judge.judge(knock), 'replayed')
})

test('a knock with another secret, for another listener, too old or too new is refused', () => {
  const { clock, judge } = judgeAt(1_000_000)
  assert.equal(judge.judge(headOf(elsewhere, listener, clock.now())), 'wrong')
  assert.equal(judge.judge(headOf(member, '12D3KooWOther', clock.now())), 'wrong')
  assert.equal(judge.judge(headOf(member, listener, clock.now() - knockToleranceMs - 1)), 'late')
  assert.equal(judge.judge(headOf(member, listener, clock.now() + knockToleranceMs + 1)), 'late')
  assert.equal(judge.judge(headOf({ secret: elsewhere.secret }, listener, clock.now())), 'wrong')
  assert.equal(judge.judge(headOf(elsewhere, listener, clock.now() - knockToleranceMs - 1)), 'wrong')
})

test('while a secret is replaced, both are answered to', () => {
  const next = Buffer.alloc(32, 9)
  const { clock, judge } = judgeAt(1_000_000, [next, secret])
  assert.equal(judge.judge(headOf(member, listener, clock.now())), undefined)
  assert.equal(judge.judge(headOf({ secret: next, mask: knockMaskOf(next) }, listener, clock.now())), undefined)
})

test('the right to knock that comes with an invite ends with it, and cannot be drawn out', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const untilMs = clock.nowMs + 3600_000
  const invite = inviteSecretOf(secret, untilMs)
  const knocks = (until: number | undefined) =>
    judge.judge(headOf({ secret: invite, ...(until !== undefined && { untilMs: until }) }, listener, clock.now()))
  assert.equal(knocks(untilMs), undefined)
  for (const other of [untilMs + 1, untilMs + 3600_000, undefined]) assert.equal(knocks(other), 'wrong')
  clock.nowMs = untilMs
  assert.equal(knocks(untilMs), 'wrong')
  const far = clock.nowMs + maxInviteLifeMs + 1
  const distant = { secret: inviteSecretOf(secret, far), untilMs: far }
  assert.equal(judge.judge(headOf(distant, listener, clock.now())), 'wrong')
})

test('a knock altered in any octet is refused, and no octets make the judge throw', () => {
  const { clock, judge } = judgeAt(1_000_000)
  const knock = headOf(member, listener, clock.now())
  fc.assert(
    fc.property(fc.nat(knock.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Buffer.from(knock)
      altered[at] = (altered[at] ?? 0) ^ flip
      assert.notEqual(judge.judge(altered), undefined)
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => assert.notEqual(judge.judge(octets), undefined)))
})

test('without the key of the mask a knock is random octets of a random number', () => {
  const { clock } = judgeAt(1_700_000_000_000)
  const untilMs = clock.now() + 3600_000
  const keys = [
    { secret, mask },
    { secret: inviteSecretOf(secret, untilMs), mask, untilMs },
  ]
  const lengths = new Set<number>()
  // Each octet is any octet: of 4096 knocks, each bit is set in about half. Ten standard deviations of the binomial.
  const knocks = 4096
  const set = new Uint32Array(8 * knockHeadSize)
  for (let at = 0; at < knocks; at++) {
    const knock = makeKnock(keys[at % 2] ?? assert.fail(), listener, clock.now())
    lengths.add(knock.length)
    for (let bit = 0; bit < set.length; bit++) set[bit] = (set[bit] ?? 0) + (((knock[bit >> 3] ?? 0) >> (bit & 7)) & 1)
  }
  const bound = 10 * Math.sqrt(knocks / 4)
  assert.deepEqual(
    [...set].filter((count) => Math.abs(count - knocks / 2) > bound),
    [],
  )
  assert.ok(Math.min(...lengths) >= knockHeadSize && Math.max(...lengths) <= knockHeadSize + maxKnockPadding)
  assert.ok(lengths.size > maxKnockPadding / 2)
})

test('a knock made before the listener started is refused, one made since then is good', () => {
  const { clock, judge } = judgeAt(1_000_000, [secret], 5000)
  assert.equal(judge.judge(headOf(member, listener, clock.now() - 5001)), 'stale')
  assert.equal(judge.judge(headOf(member, listener, clock.now() - 5000)), undefined)
  assert.equal(judge.judge(headOf(member, listener, clock.now())), undefined)
  // A clock that is set back makes the listener no younger.
  clock.nowMs -= 300_000
  assert.equal(judge.judge(headOf(member, listener, clock.now() - 1)), undefined)
})
