import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addBootstrap, createAuthority, issueNode, loadMember } from '@postern/identity'
import { type Clock, noMeter, type Role, silentLog } from '@postern/protocol'
import { defaultRelayLimits, type MeshInit, startMesh } from '../src/index.ts'

const dayMs = 24 * 3600_000
const hourMs = 3600_000
/** Clocks of the two ends are apart by twice as much; a route is good for 30 s. */
const offMs = 12_000
const forgetful = { load: () => [], save: () => {} }
const offer = { services: ['api'], accept: () => {} }

test('who looks for a service when ids change finds it, with clocks that are early and late', async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-midnight-'))
  await using stack = new AsyncDisposableStack()
  const started = Date.now()
  const change = Math.ceil((started + hourMs) / dayMs) * dayMs
  let shift = 0
  const clockAt = (off: number): Clock => ({ now: () => Date.now() + shift + off })
  const setTime = (timeMs: number) => {
    shift = timeMs - Date.now()
  }
  setTime(change - 3 * hourMs)
  let authority = await createAuthority(join(root.path, 'authority'), 'm')
  const start = async (name: string, role: Role, clock: Clock, part: Partial<MeshInit>) => {
    const folder = join(root.path, name)
    await issueNode(authority, folder, { name, roles: [role], services: ['api'] })
    const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'), clock)
    // As of nodes that have run for long: one that has just started refuses what a late clock says was made before.
    const init = { member, ...part, clock, ageMs: () => hourMs, log: silentLog, meter: noMeter }
    return stack.adopt(await startMesh(init), (mesh) => mesh.stop())
  }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  for (const name of ['relay-1', 'relay-2']) {
    const relay = { listen, announce: [], limits: defaultRelayLimits }
    const mesh = await start(name, 'relay', clockAt(0), { relay })
    authority = await addBootstrap(authority, mesh.status().addresses)
  }
  const finds = async (name: string, off: number) => {
    const ingress = { services: () => ['api'], relays: 2, trunks: 1, entries: forgetful }
    const mesh = await start(name, 'ingress', clockAt(off), { ingress })
    return (await mesh.trunks[0]?.get('api', { waitMs: 40_000 }))?.egress
  }
  for (const [at, [ingressOff, egressOff]] of [
    [offMs, -offMs],
    [-offMs, offMs],
  ].entries()) {
    setTime(change - 30 * 60_000)
    const egress = await start(`egress-${at}`, 'egress', clockAt(egressOff ?? 0), {
      egress: { offer, guards: forgetful },
    })
    for (const [when, seconds] of [-30 * 60, -8, 0, 8, 30 * 60].entries()) {
      setTime(change + seconds * 1000)
      // What is registered before the change is looked for at it and after it.
      if (Math.abs(seconds) > 60 || seconds < 0) await egress.renewed()
      assert.equal(await finds(`ingress-${at}-${when}`, ingressOff ?? 0), egress.peer, `${seconds} s after the change`)
    }
    setTime(change + dayMs / 2)
    await egress.renewed()
    assert.equal(await finds(`ingress-${at}-later`, ingressOff ?? 0), egress.peer, 'in the midst of the day')
    await egress.stop()
  }
})
