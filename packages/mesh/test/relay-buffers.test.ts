import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import fc from 'fast-check'
import { splice } from '../src/circuit/splice.ts'
import { type BufferedCircuit, heldBy, RelayBuffers } from '../src/limits/relay-buffers.ts'
import { collect, linkedPair } from './streams.ts'

test('whatever circuits hold, what is left is within the ceiling, and nobody loses to one that holds more', () => {
  const circuits = fc.array(fc.record({ account: fc.constantFrom('a', 'b', 'c'), size: fc.nat({ max: 50 }) }))
  fc.assert(
    fc.property(circuits, fc.integer({ min: 1, max: 200 }), (given, maxBytes) => {
      let dropped = 0
      const buffers = new RelayBuffers({ maxBytes, dropped: () => (dropped += 1) })
      const open = new Set(given)
      const added: BufferedCircuit[] = given.map((each) => ({
        account: each.account,
        bytes: () => each.size,
        drop: () => open.delete(each),
      }))
      for (const each of added) buffers.add(each)
      const of = (account: string, among: Iterable<{ account: string; size: number }>) =>
        [...among].reduce((sum, each) => sum + (each.account === account ? each.size : 0), 0)
      const before = new Map(['a', 'b', 'c'].map((account) => [account, of(account, given)]))
      buffers.look()
      const left = [...open].reduce((sum, { size }) => sum + size, 0)
      assert.ok(left <= maxBytes)
      assert.equal(dropped, given.length - open.size)
      const most = Math.max(...before.values())
      for (const [account, bytes] of before)
        if (bytes < most && bytes * before.size <= maxBytes) assert.equal(of(account, open), bytes, account)
      for (const each of added) buffers.remove(each)
    }),
  )
})

test('a circuit whose end does not read is ended beyond what a relay may hold, and another goes on', async () => {
  let dropped = 0
  const buffers = new RelayBuffers({ maxBytes: 128 * 1024, dropped: () => (dropped += 1) })
  await using left = await linkedPair()
  await using right = await linkedPair()
  const joined = async (account: string) => {
    const [client, inbound] = await left.open()
    const [outbound, server] = await right.open()
    const drop = () => inbound.abort(new Error('not read'))
    buffers.add({ account, bytes: () => heldBy(inbound, outbound), drop })
    void splice(inbound, outbound, { idleMs: 60_000, upgradeMs: 60_000, passed: () => 0 })
    return { client, server }
  }
  const [deaf, good] = [await joined('deaf'), await joined('good')]
  deaf.server.pause()
  const writes = setInterval(() => {
    if (deaf.client.writeStatus === 'writable' && !deaf.client.writableNeedsDrain)
      deaf.client.send(Buffer.alloc(65_536))
  }, 1)
  await eventually('it is ended', () => deaf.client.status !== 'open')
  clearInterval(writes)
  assert.equal(dropped, 1)
  const heard = collect(good.server)
  good.client.send(Buffer.from('still'))
  await good.client.close()
  assert.equal((await heard).toString(), 'still')
})
