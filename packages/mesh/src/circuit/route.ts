import { createCipheriv, randomBytes } from 'node:crypto'
import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import {
  type Clock,
  type End,
  encodeLayer,
  type Forward,
  maxRelays,
  type PeerName,
  type RelayAddress,
  routeLifeMs,
  routeSize,
  slotSize,
} from '@postern/protocol'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { xor } from 'uint8arrays'
import { sealLayer } from './seal.ts'

/** A hop on the way; the end of a trunk has no addresses, because it keeps a link to the hop before it. */
export type Hop = RelayAddress

export interface SealedRoute {
  readonly octets: Buffer
  /** The key under which the end answers, see `Sealed`. */
  readonly replyKey: Buffer
}

/** The octets that cover what follows a hop's own slot: ChaCha20 (RFC 8439) under the key in its layer. */
function cover(key: Uint8Array): Buffer {
  return createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(routeSize))
}

/**
 * Seals a route over the hops, the last of which is the end. Each hop can open the first slot only, uncovers the rest
 * with the key it finds there and passes it on, filled up to the same size: it learns the next hop, not its own place.
 */
export async function sealRoute(hops: readonly Hop[], end: End, clock: Clock): Promise<SealedRoute> {
  if (hops.length === 0 || hops.length > maxRelays + 1) throw new RangeError('a route has 1 to 4 hops')
  const expiresMs = clock.now() + routeLifeMs
  const seal = (hop: Hop, instruction: Forward | End) =>
    sealLayer(hop.peer, encodeLayer({ expiresMs, nonce: randomBytes(16), instruction }))

  const last = hops[hops.length - 1] as Hop
  const { slot, replyKey } = await seal(last, end)
  let octets = Buffer.concat([slot, randomBytes(routeSize - slotSize)])
  for (let at = hops.length - 2; at >= 0; at--) {
    const key = randomBytes(32)
    const { slot: outer } = await seal(hops[at] as Hop, forwardTo(hops[at + 1] as Hop, key))
    const covered = xor(octets.subarray(0, routeSize - slotSize), cover(key).subarray(0, routeSize - slotSize))
    octets = Buffer.concat([outer, covered])
  }
  return { octets, replyKey }
}

/** What a hop passes on: the rest of the route, uncovered and filled up. */
export function peel(route: Uint8Array, key: Uint8Array): Buffer {
  const rest = Buffer.concat([route.subarray(slotSize), Buffer.alloc(slotSize)])
  return Buffer.from(xor(rest, cover(key)))
}

function forwardTo(hop: Hop, key: Uint8Array): Forward {
  const next = peerIdFromString(hop.peer).toMultihash().bytes
  return { kind: 'forward', key, next, dial: hop.addresses.length > 0 }
}

/** The peer that a layer says to pass on to; undefined where its octets are no peer id. */
export function nextPeer({ next }: Forward): PeerName | undefined {
  try {
    return peerIdFromMultihash(decodeMultihash(next)).toString()
  } catch {
    return undefined
  }
}

/** Peer ids of the hops, in order. */
export function peersOf(hops: readonly Hop[]): PeerName[] {
  return hops.map((hop) => hop.peer)
}
