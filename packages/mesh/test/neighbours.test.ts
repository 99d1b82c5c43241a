import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority, generateKey, issueNode, loadMember } from '@postern/identity'
import { noMeter, silentLog, systemClock } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { startHost } from '../src/host.ts'
import { type Choice, goneForGoodMs, Neighbours } from '../src/neighbours.ts'

const hourMs = 3600_000
const nowMs = 1_700_000_000_000
const nobody = '/ip4/127.0.0.1/tcp/1'

const chosen = (goneMs: number): Choice => ({
  peer: generateKey().peerId.toString(),
  addresses: [nobody],
  lastSeenMs: nowMs - goneMs,
})

test('a chosen relay that is gone keeps its place for an hour, and then another may take it', async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-neighbours-'))
  const folder = join(root.path, 'egress')
  await issueNode(await createAuthority(join(root.path, 'a'), 'm'), folder, {
    name: 'e',
    roles: ['egress'],
    services: [],
  })
  const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
  const host = await startHost({ member, relay: undefined, clock: systemClock, log: silentLog, meter: noMeter })
  const [kept, gone] = [chosen(hourMs - 1), chosen(hourMs)]
  const waiting = `${nobody}/p2p/${generateKey().peerId.toString()}`
  const neighbours = new Neighbours({
    host,
    bootstrap: [waiting],
    count: 2,
    replaceAfterMs: goneForGoodMs,
    store: { load: () => [kept, gone], save: () => {} },
    clock: { now: () => nowMs },
    log: silentLog,
    linked: () => assert.fail('nobody is there'),
  })
  try {
    neighbours.start()
    const tried = () => neighbours.relays.find(({ peer }) => waiting.endsWith(peer))?.fault
    await eventually('another was tried', () => tried() !== undefined)
    assert.ok(neighbours.chosen.some(({ peer }) => peer === kept.peer))
    assert.ok(!neighbours.chosen.some(({ peer }) => peer === gone.peer))
  } finally {
    neighbours.stop()
    await host.libp2p.stop()
  }
})
