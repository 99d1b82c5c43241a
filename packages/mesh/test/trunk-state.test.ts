import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refreshAfterMs } from '../src/circuit/trunk-state.ts'

const waits = (services: number) => Array.from({ length: 200 }, () => refreshAfterMs(services))

test('few services are looked for every 15 s, many together ten times a second, and not all at once', () => {
  for (const ms of [...waits(1), ...waits(150)]) assert.ok(ms > 11_000 && ms <= 15_000, `${ms} ms`)
  for (const ms of waits(1000)) assert.ok(ms > 74_000 && ms <= 100_000, `${ms} ms`)
  assert.ok(new Set(waits(1000)).size > 100)
})
