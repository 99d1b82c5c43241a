import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { arrives, unheard } from '../src/health/listening.ts'
import { starterConfig } from '../src/index.ts'

test('who goes to an address arrives at the same port, over the same version of IP, and not from beyond', () => {
  for (const [address, listen, expected] of [
    ['/dns4/relay.example.net/tcp/4001', '/ip4/0.0.0.0/tcp/4001', true],
    ['/dns4/relay.example.net/tcp/4100', '/ip4/0.0.0.0/tcp/4001', false],
    ['/dns4/relay.example.net/tcp/4001', '/ip4/0.0.0.0/tcp/0', false],
    ['/dns6/relay.example.net/tcp/4001', '/ip4/0.0.0.0/tcp/4001', false],
    ['/dns6/relay.example.net/tcp/4001', '/ip6/::/tcp/4001', true],
    ['/dns/relay.example.net/tcp/4001', '/ip6/::1/tcp/4001', false],
    ['/ip4/203.0.113.7/tcp/4001', '/ip6/::/tcp/4001', true],
    ['/ip6/2001:db8::7/tcp/4001', '/ip4/0.0.0.0/tcp/4001', false],
    ['/ip4/203.0.113.7/tcp/4001', '/ip4/127.0.0.1/tcp/4001', false],
    ['/ip4/10.0.0.7/tcp/4001', '/ip4/127.0.0.1/tcp/4001', false],
    ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4001', true],
    ['/ip4/127.0.0.1/tcp/4001', '/ip4/0.0.0.0/tcp/4001', true],
    ['/ip4/203.0.113.7/tcp/4001', '/ip4/203.0.113.8/tcp/4001', false],
    // Where a public address is translated to one of the host's own.
    ['/ip4/203.0.113.7/tcp/4001', '/ip4/10.0.0.8/tcp/4001', true],
  ] as const)
    assert.equal(arrives(address, listen), expected, `${address} at ${listen}`)
})

test('an address in the mesh file that is announced too was said on purpose', () => {
  const listen = ['/ip4/0.0.0.0/tcp/4001']
  const address = '/dns4/relay.example.net/tcp/443'
  assert.deepEqual(unheard({ listen, announce: [], named: [address] }), { announced: [], named: [address] })
  assert.deepEqual(unheard({ listen, announce: [address], named: [address] }), { announced: [address], named: [] })
})

test('a starter config listens at each address at which others are to reach the relay', () => {
  const grant = { name: 'relay', roles: ['relay'], services: [] } as const
  for (const reachedAt of [
    ['/dns4/relay.example.net/tcp/4100'],
    ['/dns/relay.example.net/tcp/443'],
    ['/dns6/relay.example.net/tcp/4100'],
    ['/ip4/203.0.113.7/tcp/1', '/ip6/2001:db8::7/tcp/2'],
    ['/ip4/127.0.0.1/tcp/4001'],
    ['/ip6/::1/tcp/4001'],
    ['/ip4/10.0.0.7/tcp/4001', '/dns4/relay.example.net/tcp/4001'],
  ]) {
    const { relay } = parse(starterConfig({ ...grant, reachedAt })) as { relay: { listen: string[] } }
    assert.deepEqual(unheard({ listen: relay.listen, announce: [], named: reachedAt }), { announced: [], named: [] })
    assert.equal(new Set(relay.listen).size, relay.listen.length)
  }
  const { relay } = parse(starterConfig(grant)) as { relay: { listen: string[] } }
  assert.deepEqual(relay.listen, ['/ip4/0.0.0.0/tcp/4001'])
})
