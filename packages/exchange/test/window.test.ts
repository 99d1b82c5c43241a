import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrowthBudget, initialCredit, maxWindow, ReceiveWindow } from '../src/credit.ts'

/** One window's worth arrives and is consumed at once. */
function keepUp(window: ReceiveWindow, bytes: number): number {
  assert.ok(window.arrived(bytes))
  return window.consumed(bytes)
}

test('the window of a consumer that keeps up grows to its ceiling, and no further', () => {
  const window = new ReceiveWindow(new GrowthBudget(10 * maxWindow))
  let allowed = initialCredit
  for (let i = 0; i < 40; i++) {
    const bytes = allowed
    allowed = allowed - bytes + keepUp(window, bytes)
  }
  assert.equal(allowed, maxWindow)
})

test('the window of a consumer that lags does not grow', () => {
  const window = new ReceiveWindow(new GrowthBudget(10 * maxWindow))
  assert.ok(window.arrived(initialCredit))
  assert.equal(window.consumed(initialCredit / 2), initialCredit / 2)
  assert.equal(window.buffered, initialCredit / 2)
})

test('windows grow together by no more than the budget, and give it back', () => {
  const budget = new GrowthBudget(initialCredit)
  const first = new ReceiveWindow(budget)
  const second = new ReceiveWindow(budget)
  assert.equal(keepUp(first, initialCredit), 2 * initialCredit)
  assert.equal(keepUp(second, initialCredit), initialCredit)
  first.release()
  assert.equal(keepUp(second, initialCredit), 2 * initialCredit)
})

test('more than was allowed is seen at once', () => {
  const window = new ReceiveWindow(new GrowthBudget(0))
  assert.ok(window.arrived(initialCredit))
  assert.equal(window.arrived(1), false)
})
