import type { Multiaddr } from '@multiformats/multiaddr'

/** Whether an address is that of a circuit, which names no host. */
export function isCircuitAddress(address: Multiaddr): boolean {
  return address.getComponents()[0]?.name === 'p2p-circuit'
}
