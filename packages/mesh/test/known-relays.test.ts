import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerName } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { linkTo } from '../src/circuit/open.ts'
import { KnownRelays } from '../src/directory/known-relays.ts'
import { CircuitField, hopOf, nobody } from './circuit-field.ts'

const lie = ['/ip4/192.0.2.1/tcp/22', '/unix/tmp%2Fpostern.sock']

test('a relay is known at what the mesh file or the relay itself says, and the directory is asked only of others', async () => {
  await using field = new CircuitField()
  const host = await field.host('relay')
  const other = hopOf(await field.host('relay'))
  const third = nobody()
  const asked: PeerName[] = []
  const known = new KnownRelays({
    host,
    dht: {
      async findRelay(peer) {
        asked.push(peer)
        return lie
      },
    },
    bootstrap: () => [{ peer: third, addresses: ['/dns4/relay.example.net/tcp/4001'] }],
  })
  assert.deepEqual(await known.addressesOf(third), ['/dns4/relay.example.net/tcp/4001'])
  assert.deepEqual(asked, [])
  // Of one that is known to nobody else the directory is believed, but for what is no host.
  assert.deepEqual(await known.addressesOf(other.peer), lie.slice(0, 1))
  const link = await linkTo(host, other, AbortSignal.timeout(5000))
  await eventually('it has signed where it is', async () =>
    (await known.addressesOf(other.peer)).includes(other.addresses[0] ?? ''),
  )
  await link.close()
  asked.length = 0
  assert.deepEqual(await known.addressesOf(other.peer), other.addresses)
  assert.deepEqual(asked, [])
})
