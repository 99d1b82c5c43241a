import assert from 'node:assert/strict'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressKey, canonicalAddress, ipAddressText, isNetwork, Networks, readIpAddress } from '../src/index.ts'

test('a client is counted by its IPv4 address, or by the /64 of its IPv6 address', () => {
  for (const [address, key] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['', 'unknown'],
    ['no address', 'unknown'],
    ['_hidden', 'unknown'],
  ] as const)
    assert.equal(addressKey(address), key, address)
})

test('one host has one key, whichever address of its /64 it takes', () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16))
  const groups = fc.array(group, { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(groups, groups, groups, (network, one, other) => {
      const key = (host: string[]) => addressKey([...network, ...host].join(':'))
      fc.pre([one, other].every((host) => readIpAddress([...network, ...host].join(':'))?.length === 16))
      assert.equal(key(one), key(other))
    }),
  )
})

const octets = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list)),
)
const mangled = fc.array(fc.constantFrom(':', '::', '.', '0', '1', 'ffff', '00', '255', '256', 'g', '%', ' '), {
  maxLength: 12,
})

test('what is read as an address is what the runtime takes for one, and is written as it would be', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        octets.map(ipAddressText),
        mangled.map((parts) => parts.join('')),
      ),
      (text) => {
        const address = readIpAddress(text)
        if (!text.includes('%')) assert.equal(address !== undefined, isIP(text) !== 0, text)
        if (address === undefined) return
        const again = ipAddressText(address)
        assert.equal(isIPv6(again), address.length === 16)
        if (address.length === 16) assert.equal(again, new URL(`http://[${again}]/`).hostname.slice(1, -1))
        assert.deepEqual(readIpAddress(again), address)
      },
    ),
  )
})

test('an address has one form', () => {
  for (const [text, form] of [
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.7', '192.0.2.7'],
    ['', ''],
  ] as const)
    assert.equal(canonicalAddress(text), form)
})

test('a network holds the addresses that begin as it does', () => {
  const prefix = fc.tuple(octets, fc.nat({ max: 128 }), octets)
  fc.assert(
    fc.property(prefix, ([network, length, address]) => {
      fc.pre(readIpAddress(ipAddressText(network))?.length === network.length)
      const bits = Math.min(length, 8 * network.length)
      const masked = network.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * at))))
      const text = ipAddressText(masked)
      fc.pre(readIpAddress(text)?.length === network.length)
      const list = new BlockList()
      list.addSubnet(text, bits, network.length === 4 ? 'ipv4' : 'ipv6')
      for (const asked of [address, masked, network]) {
        const read = readIpAddress(ipAddressText(asked))
        if (read?.length !== network.length) continue
        const expected = list.check(ipAddressText(read), read.length === 4 ? 'ipv4' : 'ipv6')
        assert.equal(new Networks([`${text}/${bits}`]).has(read), expected, `${text}/${bits}`)
      }
    }),
  )
  const some = new Networks(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7', '::ffff:172.16.0.0/108'])
  for (const inside of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1::1', '192.0.2.7', '172.31.0.1'])
    assert.ok(some.has(readIpAddress(inside)), inside)
  for (const outside of ['11.0.0.1', '2001:db9::1', '192.0.2.8', '172.32.0.1', '', 'a'])
    assert.ok(!some.has(readIpAddress(outside)), outside)
})

test('what is no network, or names a host in one, is refused', () => {
  for (const text of ['0.0.0.0/0', '::/0', '10.0.0.0/8', '127.0.0.1', '::1/128', 'fe80::/10'])
    assert.ok(isNetwork(text), text)
  for (const text of ['', '10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'a/8', '::1/64'])
    assert.ok(!isNetwork(text), text)
  assert.ok(!isNetwork('fe80::%eth0/64'))
  assert.ok(!isNetwork('::ffff:0.0.0.0/95'))
})
