import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { linkTo } from '../src/circuit/open.ts'
import { CircuitField, circuit, hopOf } from './circuit-field.ts'

test('one who never finishes an upgrade leaves nothing behind', async () => {
  await using field = new CircuitField()
  const relay = await field.host('relay')
  const ingress = await field.host('ingress')
  const shy = await field.host('ingress')
  await linkTo(ingress, hopOf(relay), AbortSignal.timeout(5000))
  await eventually('the other one is linked', () => relay.libp2p.getConnections().length === 1)
  // What comes after the proof of who it is does not come to its end.
  const upgrade = Promise.withResolvers<void>()
  Object.assign(relay.upgrader, { upgradeInbound: () => upgrade.promise })
  await linkTo(shy, hopOf(relay), AbortSignal.timeout(5000))
  await eventually('it is known', () => relay.roster.of(shy.peer) !== undefined && relay.heard.has(shy.peer))
  upgrade.reject(new Error('the upgrade was not finished'))
  await eventually('it is forgotten', () => relay.roster.of(shy.peer) === undefined && !relay.heard.has(shy.peer))
  assert.ok(relay.roster.of(ingress.peer))
})

test('all who hold one invite are one neighbour: so many links and circuits together, and one ban', async () => {
  await using field = new CircuitField()
  const { host } = await field.relay()
  const relay = hopOf(host)
  const invite = await field.invite()
  const guests: Array<Awaited<ReturnType<typeof field.host>>> = []
  for (let key = 0; key < 12; key++) {
    const guest = await field.host('invited', invite)
    await linkTo(guest, relay, AbortSignal.timeout(5000))
    guests.push(guest)
  }
  const links = () => guests.filter((guest) => host.libp2p.getConnections(guest.libp2p.peerId).length > 0)
  await eventually('the newest few are linked', () => links().length === 8)
  const [last] = links().slice(-1)
  const other = await field.host('invited')
  assert.ok(last)
  for (let times = 0; times < 11; times++) host.bans.blame(last.peer, 'malformed')
  await eventually('all are cut off', () => links().length === 0)
  const late = await field.host('invited', invite)
  await linkTo(late, relay, AbortSignal.timeout(5000)).catch(() => undefined)
  const linked = (peer: typeof late) => host.libp2p.getConnections(peer.libp2p.peerId).length > 0
  await eventually('another key is kept out too', () => field.counted.has('links_refused{BANNED}') && !linked(late))
  const { answered } = await circuit(other, relay)
  assert.equal(await answered, 'OK')
})
