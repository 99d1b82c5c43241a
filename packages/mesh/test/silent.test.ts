import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { linkTo } from '../src/circuit/open.ts'
import { CircuitField, hopOf } from './circuit-field.ts'

/** Connections that say nothing; more than one address may have. */
async function silentOn(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let at = 0; at < count; at++) {
    const socket = connect(port, '127.0.0.1')
    const settled = new Promise((resolve) => socket.once('connect', resolve).once('error', resolve))
    socket.on('error', () => {})
    await settled
    sockets.push(socket)
  }
  return sockets
}

test('who only holds connections to a relay open, from the address of a member, does not keep that member out', async () => {
  await using field = new CircuitField()
  const [relay, member] = [await field.host('relay'), await field.host('ingress')]
  const port = Number(/\/tcp\/(\d+)/.exec(hopOf(relay).addresses[0] ?? '')?.[1])
  const silent = await silentOn(port, 100)
  const link = await linkTo(member, hopOf(relay), AbortSignal.timeout(20_000))
  assert.equal(link.status, 'open')
  for (const socket of silent) socket.destroy()
})
