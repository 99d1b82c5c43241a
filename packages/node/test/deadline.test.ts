import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { idle, within } from '../src/index.ts'

const never = new Promise<never>(() => {})
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

test('a task done in time was, and one that throws is done too', async () => {
  assert.equal(await within(3600_000, Promise.resolve()), true)
  assert.equal(await within(3600_000, Promise.reject(new Error('x'))), true)
})

test('a task that takes longer is not waited for', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const waited = within(1000, never)
  context.mock.timers.tick(999)
  assert.equal(await Promise.race([waited, turn('still waiting')]), 'still waiting')
  context.mock.timers.tick(1)
  assert.equal(await waited, false)
})

test('a deadline that was met keeps no process alive', async () => {
  const before = timers()
  await within(3600_000, Promise.resolve())
  await idle(3600_000, () => 0)
  assert.equal(timers(), before)
})

test('nothing under way is idle at once', async () => {
  assert.equal(await idle(0, () => 0), true)
})

test('what is under way is waited for, as long as was said and no longer', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let underWay = 2
  const emptied = idle(1000, () => underWay)
  context.mock.timers.tick(500)
  underWay = 0
  context.mock.timers.tick(100)
  assert.equal(await emptied, true)

  const full = idle(1000, () => 1)
  context.mock.timers.tick(1000)
  assert.equal(await full, false)
})
