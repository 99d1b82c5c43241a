import type { Multiaddr } from '@multiformats/multiaddr'

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
