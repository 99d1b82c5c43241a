import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PosternError } from '@postern/protocol'
import { PathChooser } from '../src/path.ts'

const relay = (peer: string) => ({ peer, addresses: ['/ip4/192.0.2.1/tcp/1'] })
const [a, b, c] = [relay('a'), relay('b'), relay('c')] as const
const pathsOf = (relays: number, entries: Array<typeof a>, known: Array<typeof a> = []) =>
  new PathChooser({ relays, entries: () => entries, known: () => known })
const tooFew = (error: unknown) => error instanceof PosternError && error.code === 'NO_RELAY'

test('a path ends at the guard, starts at an entry of ours, and has no relay twice', () => {
  for (let run = 0; run < 50; run++) {
    assert.deepEqual(pathsOf(1, []).to([a], new Set()), [a])
    const two = pathsOf(2, [a, b, c]).to([a], new Set())
    assert.ok(two.length === 2 && two[1] === a && two[0] !== a)
    const three = pathsOf(3, [a, b], [a, b, c]).to([a], new Set())
    assert.deepEqual(
      three.map(({ peer }) => peer),
      ['b', 'c', 'a'],
    )
  }
})

test('a path is never shorter than was asked for: with too few relays there is none', () => {
  assert.throws(() => pathsOf(2, [a]).to([a], new Set()), tooFew)
  assert.throws(() => pathsOf(2, []).to([a], new Set()), tooFew)
  assert.throws(() => pathsOf(3, [a, b], [a, b]).to([a], new Set()), tooFew)
})

test('one who tries again takes another way, as long as there is one', () => {
  const tried = new Set<string>()
  const paths = pathsOf(2, [a, b, c])
  const ways = Array.from({ length: 4 }, () => paths.to([a, b], tried).map(({ peer }) => peer))
  assert.deepEqual(ways.map(String).toSorted(), ['a,b', 'b,a', 'c,a', 'c,b'])
  assert.equal(paths.to([a, b], tried).length, 2)
  assert.deepEqual(pathsOf(2, [a]).to([a, b], new Set()), [a, b])
})

test('what relays guard is asked at one that is not the entry, and not at the same one again while there is another', () => {
  for (let run = 0; run < 50; run++) {
    const asked = new Set<string>()
    const paths = pathsOf(2, [a, b], [a, b, c])
    const ways = Array.from({ length: 3 }, () => paths.toDirectory(asked))
    for (const way of ways) assert.ok(way.length === 2 && way[0] !== way[1] && [a, b].includes(way[0] as typeof a))
    assert.deepEqual(ways.map((way) => way[1]?.peer).toSorted(), ['a', 'b', 'c'])
    assert.ok(
      ways.slice(0, 2).some((way) => [a, b].includes(way[1] as typeof a)),
      'of two, one is of our own choosing, whatever others told',
    )
    assert.equal(paths.toDirectory(asked).length, 2)
    assert.equal(pathsOf(3, [a], [a, b, c]).toDirectory(new Set()).length, 3)
  }
})

test('an entry is asked itself where a way is to have one relay and there is no other, and nowhere else', () => {
  assert.deepEqual(pathsOf(1, [a], [a]).toDirectory(new Set()), [a])
  assert.deepEqual(pathsOf(1, [a], [a, b]).toDirectory(new Set()), [a, b])
  assert.throws(() => pathsOf(2, [a], [a]).toDirectory(new Set()), tooFew)
  assert.throws(() => pathsOf(1, [], [a]).toDirectory(new Set()), tooFew)
})
