import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Campaign } from './campaign.ts'
import { Coverage } from './coverage.ts'
import { mutate } from './mutate.ts'
import type { Opened } from './target.ts'

const coverage = new Coverage()
// Only what is loaded after the coverage was made is counted.
const { protocolTargets } = await import('../../packages/protocol/test/fuzz-targets.ts')
const triedMs = 500
const word = Buffer.from('word')

/** What is found of a reader, as it is said, and how many octets are worth changing at the end. */
async function tried(opened: Opened, maxBytes = 64) {
  const found: string[] = []
  let size = 0
  const campaign = new Campaign(opened, {
    corpus: opened.seeds,
    maxBytes,
    coverage,
    events: {
      reads() {},
      read(_runs, corpus) {
        size = corpus
      },
      found: (_octets, error) => found.push(String(error)),
    },
  })
  await campaign.run(performance.now() + triedMs)
  return { found, size }
}

test('octets that reach what no others have reached are kept', async () => {
  const layers = protocolTargets.find(({ name }) => name === 'route-layer') ?? assert.fail()
  const opened = await layers.open()
  const { found, size } = await tried(opened, layers.maxBytes)
  assert.deepEqual(found, [])
  assert.ok(size > opened.seeds.length)
})

test('a reader that throws is found out, once for each place', async () => {
  const { found } = await tried({
    seeds: [word],
    read(octets) {
      if ((octets[0] ?? 0) > 0x7f) throw new Error('first')
      if (octets.byteLength < word.byteLength) throw new RangeError('second')
      return true
    },
  })
  assert.deepEqual(found.toSorted(), ['Error: first', 'RangeError: second'])
})

test('a reader that believes in lengths is found out', async () => {
  const { found } = await tried({ seeds: [word], read: (octets) => Buffer.alloc((octets[0] ?? 0) << 15).length === 0 })
  assert.match(found[0] ?? '', /^Error: \d+ octets made it allocate \d{7,}$/)
})

test('the same dice give the same octets, and other dice others', () => {
  const made = Array.from({ length: 200 }, (_, run) => {
    const once = () => {
      let state = run
      const dice = (bound: number) => {
        state = (state * 48_271 + 11) % 2_147_483_647
        return state % bound
      }
      return mutate([word, Buffer.from('{"a":10}')], dice, 60)
    }
    const first = once()
    assert.deepEqual(once(), first)
    assert.ok(first.length <= 60)
    return first.toString('hex')
  })
  assert.ok(new Set(made).size > 100)
})
