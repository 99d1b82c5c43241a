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
