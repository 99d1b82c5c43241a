import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addBootstrap, createAuthority, issueNode, loadMember } from '@postern/identity'
import { noMeter, type Role, silentLog, systemClock } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { defaultRelayLimits, type MeshInit, startMesh } from '../src/index.ts'

const forgetful = { load: () => [], save: () => {} }
const ingress = { services: () => ['api'], relays: 1, trunks: 1, entries: forgetful }
const relay = { listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], limits: defaultRelayLimits }

/** A relay, and an ingress whose folder may be started more than once. */
async function field(stack: AsyncDisposableStack) {
  const root = stack.use(mkdtempDisposableSync(join(tmpdir(), 'postern-twins-')))
  let authority = await createAuthority(join(root.path, 'authority'), 'm')
  const issue = (name: string, role: Role) =>
    issueNode(authority, join(root.path, name), { name, roles: [role], services: role === 'relay' ? [] : ['api'] })
  const start = async (name: string, part: Partial<MeshInit>) => {
    const folder = join(root.path, name)
    const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
    const tools = { clock: systemClock, log: silentLog, meter: noMeter }
    return stack.adopt(await startMesh({ member, ...part, ...tools, twins: { askAfterMs: 50 } }), (mesh) => mesh.stop())
  }
  await issue('relay', 'relay')
  const listening = await start('relay', { relay })
  authority = await addBootstrap(authority, listening.status().addresses)
  await issue('ingress', 'ingress')
  const linked = (count: number) => () => listening.peers().length === count
  return { relay: listening, start: () => start('ingress', { ingress }), linked }
}

test('two processes with one identity are noticed by the relay that both are linked to, and by each of them', async () => {
  await using stack = new AsyncDisposableStack()
  const { relay: listening, start } = await field(stack)
  const [one, other] = [await start(), await start()]
  await eventually('the relay knows', () => listening.status().twins.peers.includes(one.peer))
  await eventually('both know', () => one.status().twins.own && other.status().twins.own)
  assert.equal(listening.status().twins.own, false)
  assert.deepEqual(one.status().twins.peers, [])
})

test('a process that takes the place of another is no second one', async () => {
  await using stack = new AsyncDisposableStack()
  const { linked, relay: listening, start } = await field(stack)
  const before = await start()
  await eventually('it is linked', linked(1))
  await before.stop()
  const after = await start()
  await eventually('the next is linked', linked(1))
  // Who has two links is asked in the end, whatever came of it: a clone shows that the relay asks.
  const clone = await start()
  await eventually('a clone is noticed', () => clone.status().twins.own && after.status().twins.own)
  assert.equal(before.status().twins.own, false)
  assert.deepEqual(listening.status().twins.peers, [after.peer])
})
