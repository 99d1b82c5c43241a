import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '@postern/identity'
import { plausible } from '../src/link/address.ts'

test('of what is told of relays, only what can be a relay is left', () => {
  const peer = generateKey().peerId.toString()
  const good = ['/ip4/192.0.2.1/tcp/4001', '/ip6/2001:db8::1/tcp/4001', '/dns4/relay.example/tcp/4001']
  const bad = [
    '',
    'nowhere',
    '/unix/tmp/socket',
    '/p2p-circuit',
    '/ip4/192.0.2.1',
    '/ip4/192.0.2.1/udp/1',
    '/ip4/x/tcp/1',
  ]
  const told = ['', 'nobody', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', peer].map((name) => ({
    peer: name,
    addresses: [...good, ...bad],
  }))
  assert.deepEqual(plausible(told), [{ peer, addresses: good }])
})
