import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Claim, type Place, Places } from '../src/limits/places.ts'
import { carriedFor } from '../src/limits/relay-limits.ts'

function fieldOf(total: number, perNeighbour: number) {
  const field = { nowMs: 0, ended: [] as string[], evicted: 0 }
  const places = new Places({
    total,
    perNeighbour,
    evicted: () => {
      field.evicted += 1
    },
    now: () => field.nowMs,
  })
  let opened = 0
  const take = (account: string, more: Partial<Claim> = {}): Place | undefined => {
    const name = `${account} ${++opened}`
    return places.take({ account, carries: false, evict: () => field.ended.push(name), ...more })
  }
  const fill = (count: number, account: string, more: Partial<Claim> = {}) =>
    Array.from({ length: count }, () => take(account, more)).filter((place) => place !== undefined)
  return { field, fill, places, take }
}

test('a neighbour that answers for its own circuits has its places and no more, and ends none of its own', () => {
  const { field, fill, places } = fieldOf(100, 8)
  assert.equal(fill(20, 'ingress').length, 8)
  field.nowMs += 60_000
  assert.equal(fill(20, 'ingress').length, 0)
  assert.equal(fill(20, 'invite', { most: 2 }).length, 2)
  assert.deepEqual([field.ended, places.count], [[], 10])
})

test('a relay has the places of those it carries, and the circuit that is idle for longest gives way to a new one', () => {
  const { field, fill, places, take } = fieldOf(1000, 4)
  const relay = { carries: true }
  const held = fill(100, 'relay', relay)
  assert.equal(held.length, 4 * carriedFor)
  field.nowMs += 5000
  // All but the third were used since.
  for (const [at, place] of held.entries()) if (at !== 2) place.used()
  assert.ok(take('relay', relay))
  assert.equal(take('relay', relay), undefined)
  assert.deepEqual(field.ended, ['relay 3'])
  assert.equal(places.of('relay'), 4 * carriedFor)
})

test('where all places are taken, who has most gives way to who has fewer, and never the other way round', () => {
  const { field, fill, places, take } = fieldOf(100, 90)
  fill(90, 'greedy')
  fill(10, 'modest')
  assert.equal(take('newcomer'), undefined, 'nobody is idle yet')
  field.nowMs += 2000
  assert.equal(fill(18, 'newcomer').length, 18)
  assert.ok(field.ended.every((name) => name.startsWith('greedy')))
  assert.equal(take('greedy'), undefined)
  assert.deepEqual([places.of('modest'), places.of('newcomer'), places.of('greedy')], [10, 18, 72])
  assert.equal(field.evicted, 18)
})

test('whoever opens what and when, there are never more circuits than places, and who has the fewest always has one', () => {
  const acts = fc.array(
    fc.record({
      account: fc.constantFrom('a', 'b', 'c', 'relay'),
      stepMs: fc.integer({ min: 0, max: 3000 }),
      ends: fc.boolean(),
    }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(acts, (list) => {
      const { field, places, take } = fieldOf(12, 8)
      const held: Place[] = []
      for (const { account, ends, stepMs } of list) {
        field.nowMs += stepMs
        const before = places.of(account)
        const place = take(account, { carries: account === 'relay' })
        if (place !== undefined) held.push(place)
        // What has lost its place gives none back.
        if (ends) for (const each of held.splice(0, 3)) each.release()
        else if (stepMs > 1000 && account !== 'relay' && before === 0) assert.ok(place)
        const sum = ['a', 'b', 'c', 'relay'].reduce((count, name) => count + places.of(name), 0)
        assert.equal(sum, places.count)
        assert.ok(places.count <= 12 && places.of(account) <= (account === 'relay' ? 64 : 8))
      }
    }),
  )
})
