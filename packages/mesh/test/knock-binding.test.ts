import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { linkTo } from '../src/circuit/open.ts'
import type { Host } from '../src/host.ts'
import { CircuitField, hopOf } from './circuit-field.ts'

/** Where TLS begins: the record of a ClientHello. */
const clientHello = Buffer.from([0x16, 0x03, 0x01])

/** One who stands between members and a relay, and treats the first octets of each connection, up to TLS, as told. */
async function between(relay: Host, treat: (knock: Buffer, rest: Buffer, member: Socket, port: number) => void) {
  const port = Number(/\/tcp\/(\d+)/.exec(hopOf(relay).addresses[0] ?? '')?.[1])
  const server = createServer((member) => {
    member.on('error', () => {})
    let octets = Buffer.alloc(0)
    const hear = (piece: Buffer) => {
      octets = Buffer.concat([octets, piece])
      const at = octets.indexOf(clientHello)
      if (at < 0) return
      member.off('data', hear)
      treat(octets.subarray(0, at), octets.subarray(at), member, port)
    }
    member.on('data', hear)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const hop = { peer: relay.peer, addresses: [`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`] }
  return { hop, [Symbol.dispose]: () => server.close() }
}

function join(member: Socket, port: number, first: Buffer): void {
  const relay = connect(port, '127.0.0.1')
  relay.on('error', () => member.destroy()).on('close', () => member.destroy())
  member.on('close', () => relay.destroy())
  relay.write(first)
  relay.pipe(member, { end: false })
  member.pipe(relay, { end: false })
}

test('a knock that is held back and used by another opens no link for him, though he be a member', async () => {
  await using field = new CircuitField()
  const [relay, honest, thief] = [await field.host('relay'), await field.host('ingress'), await field.host('ingress')]
  let held: Buffer | undefined
  using stand = await between(relay, (knock, rest, member, port) => {
    if (held === undefined) {
      held = knock
      member.destroy()
    } else join(member, port, Buffer.concat([held, rest]))
  })
  await assert.rejects(linkTo(honest, stand.hop, AbortSignal.timeout(20_000)))
  assert.ok(held)
  await assert.rejects(linkTo(thief, stand.hop, AbortSignal.timeout(20_000)))
  assert.equal(field.counted.get('links_refused{KNOCK_REFUSED}'), 1)
  assert.equal(relay.libp2p.getConnections().length, 0)
})

test('who passes all on, as a network does, is in the way of nobody', async () => {
  await using field = new CircuitField()
  const [relay, member] = [await field.host('relay'), await field.host('ingress')]
  using stand = await between(relay, (knock, rest, socket, port) => join(socket, port, Buffer.concat([knock, rest])))
  const link = await linkTo(member, stand.hop, AbortSignal.timeout(20_000))
  assert.equal(link.status, 'open')
})
