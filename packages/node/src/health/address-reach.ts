import { BlockList } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291 section 2.5.6. */
const local = new BlockList()
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const)
  local.addSubnet(net, prefix, 'ipv4')
local.addSubnet('fc00::', 7, 'ipv6')
local.addSubnet('fe80::', 10, 'ipv6')

export const reaches = ['this host', 'the local network', 'anywhere'] as const

/** From where a multiaddr can be reached at most, as an index of `reaches`. A name may lead anywhere. */
export function reachOf(address: string): number {
  const [, kind = '', host = ''] = address.split('/')
  if (kind !== 'ip4' && kind !== 'ip6') return host === 'localhost' ? 0 : 2
  const family = kind === 'ip4' ? 'ipv4' : 'ipv6'
  if (loopback.check(host, family)) return 0
  return local.check(host, family) ? 1 : 2
}

/** The furthest reach of several addresses; -1 for none. */
export function furthestOf(addresses: readonly string[]): number {
  return Math.max(-1, ...addresses.map(reachOf))
}
