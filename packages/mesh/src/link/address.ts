import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { RelayAddress } from '@postern/protocol'

/** The address in text form, without the peer that it may end in. */
export function withoutPeer(address: Multiaddr): string {
  const text = address.toString()
  const at = text.lastIndexOf('/p2p/')
  return at < 0 ? text : text.slice(0, at)
}

/** Whether an address is that of a circuit, which names no host. */
export function isCircuitAddress(address: Multiaddr): boolean {
  return address.getComponents()[0]?.name === 'p2p-circuit'
}

const hosts = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])

/** Of what somebody tells of relays, that which may be one: a peer id, and addresses of hosts on TCP. */
export function plausible(relays: readonly RelayAddress[]): RelayAddress[] {
  return relays
    .filter(({ peer }) => isPeer(peer))
    .map(({ addresses, peer }) => ({ peer, addresses: addresses.filter(isHostAddress) }))
}

function isPeer(text: string): boolean {
  try {
    return peerIdFromString(text).type === 'Ed25519'
  } catch {
    return false
  }
}

/** Whether an address is of a host on TCP, without the peer that it may end in. */
export function isHostAddress(text: string): boolean {
  try {
    const [host, transport, ...more] = multiaddr(text).getComponents()
    return hosts.has(host?.name ?? '') && transport?.name === 'tcp' && more.length === 0
  } catch {
    return false
  }
}
