import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '@postern/identity'
import { decodeLayer, type End, routeLifeMs, routeSize, slotSize } from '@postern/protocol'
import { peel, sealRoute } from '../src/circuit/route.ts'
import { SlotOpener } from '../src/circuit/seal.ts'

const clock = { now: () => 1_700_000_000_000 }
const end: End = { kind: 'end', purpose: 'lookup', subject: Buffer.alloc(32, 5) }
const keys = Array.from({ length: 4 }, () => generateKey())
const hopsOf = (count: number) =>
  keys.slice(0, count).map((key, at) => ({
    peer: key.peerId.toString(),
    addresses: at === count - 1 ? [] : [`/ip4/192.0.2.${at + 1}/tcp/4001`],
  }))
const openerOf = (at: number) => new SlotOpener(keys[at]?.libp2p.raw.subarray(0, 32) ?? new Uint8Array())

/** Opens the first slot as the hop would. */
async function open(at: number, route: Uint8Array) {
  const opened = await openerOf(at).open(route.subarray(0, slotSize))
  return opened && { layer: decodeLayer(opened.layer), replyKey: opened.replyKey }
}

for (const count of [1, 2, 3, 4]) {
  test(`a route of ${count} hops has one size at every hop, and each hop learns the next one alone`, async () => {
    const hops = hopsOf(count)
    const sealed = await sealRoute(hops, end, clock)
    let route: Uint8Array = sealed.octets
    for (let at = 0; at < count; at++) {
      assert.equal(route.byteLength, routeSize)
      const opened = await open(at, route)
      const layer = opened?.layer
      assert.equal(layer?.expiresMs, clock.now() + routeLifeMs)
      if (at === count - 1) {
        assert.deepEqual(layer?.instruction, end)
        assert.deepEqual(opened?.replyKey, sealed.replyKey)
        return
      }
      assert.ok(layer?.instruction.kind === 'forward')
      assert.deepEqual(Buffer.from(layer.instruction.next), Buffer.from(keys[at + 1]?.peerId.toMultihash().bytes ?? []))
      for (let other = 0; other < 4; other++) if (other !== at) assert.equal(await open(other, route), undefined)
      route = peel(route, layer.instruction.key)
    }
  })
}

test('what one hop reads and what it passes on have no slot in common', async () => {
  const { octets } = await sealRoute(hopsOf(4), end, clock)
  const layer = (await open(0, octets))?.layer
  assert.ok(layer?.instruction.kind === 'forward')
  const onward = peel(octets, layer.instruction.key)
  const slotsOf = (route: Uint8Array) =>
    [0, 1, 2, 3].map((at) => Buffer.from(route.subarray(at * slotSize, (at + 1) * slotSize)).toString('hex'))
  const before = new Set(slotsOf(octets))
  assert.ok(slotsOf(onward).every((slot) => !before.has(slot)))
})

test('a slot altered in one octet does not open', async () => {
  const { octets } = await sealRoute(hopsOf(2), end, clock)
  for (const at of [0, 31, 32, slotSize - 1]) {
    const altered = Buffer.from(octets)
    altered[at] = (altered[at] ?? 0) ^ 1
    assert.equal(await open(0, altered), undefined, `octet ${at}`)
  }
})

test('no route is longer than it may be', async () => {
  await assert.rejects(sealRoute([...hopsOf(4), ...hopsOf(1)], end, clock), RangeError)
  await assert.rejects(sealRoute([], end, clock), RangeError)
})
