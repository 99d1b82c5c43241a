import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority, generateKey, issueNode, loadMember } from '@postern/identity'
import { noMeter, silentLog, systemClock } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { upgradeInbound, upgradeOutbound } from '../src/circuit/upgrade.ts'
import { startHost } from '../src/host.ts'
import { linkedPair } from './streams.ts'

test('an upgrade that is given up, or fails, leaves no circuit open', async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-upgrade-'))
  const authority = await createAuthority(join(root.path, 'authority'), 'm')
  const folder = join(root.path, 'node')
  await issueNode(authority, folder, { name: 'node', roles: ['ingress'], services: ['api'] })
  const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
  await using stack = new AsyncDisposableStack()
  const tools = { clock: systemClock, log: silentLog, meter: noMeter }
  const host = stack.adopt(await startHost({ member, relay: undefined, ...tools }), ({ libp2p }) => libp2p.stop())
  const pair = stack.use(await linkedPair())
  const peer = generateKey().peerId.toString()
  for (const [way, garbage] of [
    ['outbound', undefined],
    ['outbound', Buffer.alloc(64, 1)],
    ['inbound', undefined],
    ['inbound', Buffer.alloc(64, 1)],
  ] as const) {
    const [near, far] = await pair.open()
    const over = new AbortController()
    const { signal } = over
    const upgrade = way === 'outbound' ? upgradeOutbound(host, near, peer, signal) : upgradeInbound(host, near, signal)
    if (garbage === undefined) over.abort()
    else far.send(garbage)
    await assert.rejects(upgrade)
    await eventually(`${way}: the far end is over`, () => far.status !== 'open')
    assert.notEqual(near.status, 'open')
  }
})
