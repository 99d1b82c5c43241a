import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attempt } from './attempt.ts'
import { mutate } from './mutate.ts'
import type { Opened, Target } from './target.ts'
import { targets } from './targets.ts'
import { keptVectors } from './vectors.ts'

/** Enough to notice a reader that is wrong in many places; `npm run fuzz` looks longer. */
const bounds = { numRuns: 200, interruptAfterTimeLimit: 200 }

/** Changed valid encodings, by numbers that are used up one choice after another, and any octets at all. */
function octetsFor(seeds: readonly Uint8Array[], maxBytes: number): fc.Arbitrary<Uint8Array> {
  const changed = fc.array(fc.nat(), { minLength: 1, maxLength: 60 }).map((numbers) => {
    let at = 0
    return mutate(seeds, (bound) => (numbers[at++] ?? 0) % bound, maxBytes)
  })
  const any = fc.uint8Array({ maxLength: Math.min(maxBytes, 200) })
  return fc
    .oneof({ weight: 4, arbitrary: changed }, any)
    .map((octets) => Object.assign(octets, { [fc.toStringMethod]: () => shown(octets) }))
}

/** In base64, where there are few. */
function shown(octets: Uint8Array): string {
  return octets.byteLength > 2000 ? `${octets.byteLength} octets` : Buffer.from(octets).toString('base64')
}

async function takesItsSeeds({ maxBytes, whole }: Target, opened: Opened): Promise<void> {
  for (const seed of opened.seeds) {
    assert.ok(await attempt(opened, seed), `a valid encoding is refused: ${shown(seed)}`)
    if (!whole) continue
    const padded = Buffer.concat([seed, Buffer.alloc(maxBytes + 1 - seed.byteLength, ' ')])
    assert.equal(await attempt(opened, padded), false, 'a message beyond the ceiling is taken')
  }
}

test('each reader has a name of its own', () => {
  assert.equal(new Set(targets.map(({ name }) => name)).size, targets.length)
})

for (const target of targets) {
  test(`${target.name}: takes what is valid, and fails on nothing`, { timeout: 60_000 }, async (context) => {
    const opened = await target.open()
    context.after(() => opened.close?.())
    await takesItsSeeds(target, opened)
    for (const [name, octets] of keptVectors(target.name))
      await assert.doesNotReject(attempt(opened, octets), `the kept octets ${name}`)
    await fc.assert(
      fc.asyncProperty(octetsFor(opened.seeds, target.maxBytes), async (octets) => {
        await attempt(opened, octets)
      }),
      bounds,
    )
  })
}
