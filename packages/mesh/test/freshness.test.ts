import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Bulletin, createAuthority, sealBulletin, sealHeartbeat } from '@postern/identity'
import { Freshness } from '../src/freshness.ts'

const startMs = 1_700_000_000_000
const minute = 60_000

test('only a newer heartbeat of the authority counts, and one of a bulletin that is not here confirms nothing', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-freshness-'))
  const clock = { nowMs: startMs, now: () => clock.nowMs }
  const { mesh, signatory } = await createAuthority(join(folder.path, 'ours'), 'ours', clock)
  const theirs = await createAuthority(join(folder.path, 'theirs'), 'theirs', clock)
  const bulletin = new Bulletin({ mesh, clock })
  let kept = ''
  const store = { load: () => kept, save: (sealed: string) => void (kept = sealed) }
  const freshness = new Freshness({ bulletin, clock, staleMs: 10 * minute, strict: true, store })
  const beat = (sequence: number, atMs: number, by = signatory) => sealHeartbeat({ sequence, atMs }, by)
  assert.equal(freshness.allows, false)

  assert.equal(await freshness.learn(await beat(0, startMs)), true)
  assert.deepEqual([freshness.allows, freshness.status.confirmedMs], [true, startMs])
  // What is old, or of a time to come, is not even verified.
  const forged = (await beat(0, startMs - 1, theirs.signatory)).replace(/\.[^.]+$/, '.AAAA')
  assert.equal(await freshness.learn(forged), false)
  assert.equal(await freshness.learn(await beat(0, startMs + 10 * minute, theirs.signatory)), false)
  await assert.rejects(freshness.learn(await beat(0, startMs + minute, theirs.signatory)), {
    code: 'CREDENTIAL_WRONG_MESH',
  })
  await assert.rejects(freshness.learn('a.b.c'), { code: 'BAD_MESSAGE' })

  clock.nowMs += 9 * minute
  assert.equal(await freshness.learn(await beat(1, clock.nowMs)), true)
  assert.equal(freshness.status.confirmedMs, startMs)
  clock.nowMs += 2 * minute
  assert.equal(freshness.allows, false)
  await bulletin.learn(await sealBulletin({ seq: 1, revoked: [] }, signatory))
  assert.equal(freshness.allows, true)

  const again = new Freshness({ bulletin, clock, staleMs: 10 * minute, strict: true, store })
  await again.load()
  assert.deepEqual([again.allows, again.sealed], [true, kept])
  kept = 'nonsense'
  await new Freshness({ bulletin, clock, staleMs: minute, strict: true, store }).load()
})
