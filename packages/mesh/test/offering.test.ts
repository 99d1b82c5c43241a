import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addBootstrap, createAuthority, issueNode, loadMember } from '@postern/identity'
import { type Caller, noMeter, type Role, silentLog, systemClock } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { defaultRelayLimits, startMesh } from '../src/index.ts'

const tools = { clock: systemClock, log: silentLog, meter: noMeter }
const forgetful = { load: () => [], save: () => {} }

test('an egress that registers for a service that its credential does not cover is called by nobody, and told of no service', async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-liar-'))
  await using stack = new AsyncDisposableStack()
  let authority = await createAuthority(join(root.path, 'authority'), 'm')
  const start = async (name: string, role: Role, service: string, part: object) => {
    const folder = join(root.path, name)
    await issueNode(authority, folder, { name, roles: [role], services: [service] })
    const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
    return stack.adopt(await startMesh({ member, ...part, ...tools }), (mesh) => mesh.stop())
  }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const relay = await start('relay', 'relay', 'none', { relay: { listen, announce: [], limits: defaultRelayLimits } })
  authority = await addBootstrap(authority, relay.status().addresses)
  const callers: Record<'liar' | 'honest', Caller[]> = { liar: [], honest: [] }
  const offering = (name: keyof typeof callers) => {
    const offer = { services: ['api'], accept: (_pipe: unknown, caller: Caller) => callers[name].push(caller) }
    return { egress: { offer, guards: forgetful } }
  }
  const liar = await start('liar', 'egress', 'other', offering('liar'))
  const calling = { services: () => ['api'], relays: 1, trunks: 1, entries: forgetful }
  const ingress = await start('ingress', 'ingress', 'api', { ingress: calling })

  const found = () => ingress.status().services.flatMap(({ egresses }) => egresses.filter(({ trunks }) => trunks > 0))
  await eventually('the liar was found, and shows what it may offer', () => found().length === 1)
  const trunk = async (waitMs: number) => await ingress.trunks[0]?.get('api', { waitMs })
  await assert.rejects(trunk(500), { code: 'SERVICE_UNREACHABLE' })

  const honest = await start('honest', 'egress', 'api', offering('honest'))
  await eventually('the other one is found too', () => found().length === 2)
  const called = new Set<string | undefined>()
  for (let times = 0; times < 20; times++) called.add((await trunk(5000))?.egress)
  assert.deepEqual([...called], [honest.peer])
  assert.notEqual(honest.peer, liar.peer)
  const told = (name: keyof typeof callers) => callers[name].map(({ peer, services }) => [peer, services])
  assert.deepEqual(told('liar'), [[ingress.peer, []]])
  assert.deepEqual(told('honest'), [[ingress.peer, ['api']]])
})
