import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Connections, type Counted } from '../src/index.ts'

/** Connections with a name each, and who was ended for whom. */
function crowd(connections: number, perKey: number) {
  const ended: string[] = []
  const reasons: string[] = []
  const table = new Connections({ connections, perKey }, (reason) => reasons.push(reason))
  return {
    ended,
    reasons,
    table,
    arrive: (name: string, key: string): Counted | undefined => {
      const counted = table.enter(() => ended.push(name))
      if (counted === undefined || table.identify(counted, key)) return counted
      table.leave(counted)
      return undefined
    },
  }
}

test('where there is no room, the one that has been silent longest is ended for the newest', () => {
  const { arrive, ended, reasons, table } = crowd(3, 3)
  const first = arrive('a', 'k1')
  arrive('b', 'k2')
  arrive('c', 'k3')
  assert.ok(first)
  table.heard(first)
  assert.ok(arrive('d', 'k4'))
  assert.ok(arrive('e', 'k5'))
  assert.deepEqual(ended, ['b', 'c'])
  assert.deepEqual(reasons, ['ceiling', 'ceiling'])
  assert.equal(table.size, 3)
})

test('where all have said something, the newest is refused', () => {
  const { arrive, ended, table } = crowd(2, 2)
  for (const name of ['a', 'b']) {
    const counted = arrive(name, name)
    assert.ok(counted)
    table.heard(counted)
  }
  assert.equal(arrive('c', 'c'), undefined)
  assert.deepEqual(ended, [])
})

test('one address has its number of connections, of which the silent ones make room for its own alone', () => {
  const { arrive, ended, reasons, table } = crowd(10, 2)
  const other = arrive('other', 'k2')
  const heard = arrive('a', 'k1')
  assert.ok(heard)
  table.heard(heard)
  assert.ok(arrive('b', 'k1'))
  assert.ok(arrive('c', 'k1'))
  assert.deepEqual([ended, reasons], [['b'], ['address']])
  const last = arrive('d', 'k1')
  assert.ok(last && other)
  table.heard(last)
  assert.equal(arrive('e', 'k1'), undefined)
  assert.ok(arrive('f', 'k2'))
  table.leave(heard)
  assert.ok(arrive('g', 'k1'))
  assert.deepEqual(ended, ['b', 'c'])
})

test('one that was ended for another is not counted again by what it does later', () => {
  const { arrive, table } = crowd(1, 1)
  const gone = arrive('a', 'k')
  assert.ok(gone)
  const late = table.enter(() => {})
  assert.ok(late)
  assert.equal(table.identify(gone, 'k'), false)
  table.heard(gone)
  table.leave(gone)
  assert.ok(table.identify(late, 'k'))
  assert.equal(table.size, 1)
})

test('whatever comes and goes, there are never more than the limits, and nothing is left of those that have gone', () => {
  const step = fc.tuple(fc.constantFrom('enter', 'heard', 'leave'), fc.nat(20), fc.constantFrom('x', 'y', 'z'))
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, most, perKey) => {
        const here = new Map<Counted, string>()
        const table = new Connections({ connections: most, perKey }, () => {})
        for (const [what, index, key] of steps) {
          const chosen = [...here.keys()][index]
          if (what === 'enter') {
            const counted = table.enter(() => counted !== undefined && here.delete(counted))
            if (counted === undefined) continue
            if (table.identify(counted, key)) here.set(counted, key)
            else table.leave(counted)
          } else if (chosen !== undefined && what === 'heard') table.heard(chosen)
          else if (chosen !== undefined) {
            table.leave(chosen)
            here.delete(chosen)
          }
          assert.equal(table.size, here.size)
          assert.ok(here.size <= most)
          for (const each of 'xyz') assert.ok([...here.values()].filter((value) => value === each).length <= perKey)
        }
        for (const counted of here.keys()) table.leave(counted)
        assert.equal(table.size, 0)
        for (let round = 0; round < perKey && round < most; round++) {
          const counted = table.enter(() => assert.fail('nobody is left to make room'))
          assert.ok(counted && table.identify(counted, 'x'))
          table.heard(counted)
        }
      },
    ),
  )
})
