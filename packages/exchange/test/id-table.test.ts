import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdTable } from '../src/id-table.ts'

/** A sequence that looks random and is the same in each run: a linear congruential generator. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

test('a table says what a Map would, whatever is set and deleted in whatever order', () => {
  const random = seeded(7)
  const table = new IdTable<string>()
  const map = new Map<number, string>()
  let last = 0
  for (let step = 0; step < 50_000; step++) {
    // Mostly new ids and young ones, some that share a place with many, some that are long gone.
    const id = [last + 1, last - random(40), 64 * (1 + random(50)), 1 + random(5000)][random(4)] ?? 1
    if (id < 1) continue
    last = Math.max(last, id)
    if (random(5) < 3) {
      table.set(id, `${step}`)
      map.set(id, `${step}`)
    } else assert.equal(table.delete(id), map.delete(id))
    assert.equal(table.get(id), map.get(id))
    assert.equal(table.has(id), map.has(id))
    assert.equal(table.size, map.size)
    if (step % 1000 !== 0) continue
    assert.deepEqual(new Set(table.keys()), new Set(map.keys()))
    assert.deepEqual(table.values().toSorted(), [...map.values()].toSorted())
  }
  table.clear()
  assert.deepEqual([table.size, table.keys(), table.get(last)], [0, [], undefined])
})

test('no choice of ids makes a table one chain', () => {
  const count = 8192
  const most = 2 ** 31
  for (let stride = 1; stride * count <= most; stride *= 2) {
    const table = new IdTable<number>()
    for (let at = 1; at <= count; at++) table.set(at * stride, at)
    assert.ok(table.longestRun < count / 16, `ids that are ${stride} apart: ${table.longestRun} places in a row`)
  }
})
