import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { byteStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import {
  type CircuitAnswer,
  type Clock,
  type Code,
  decodeCircuitAnswer,
  type End,
  type PeerName,
  PosternError,
  protocolId,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import { isCircuitAddress } from '../link/address.ts'
import { maxStreamsPerLink } from '../link/muxer.ts'
import { type Hop, sealRoute } from './route.ts'

/** A circuit whose end has answered OK: raw octets to it and back. */
export interface OpenCircuit {
  readonly stream: Stream
  readonly replyKey: Buffer
}

const codeOf: Readonly<Record<Exclude<CircuitAnswer, 'OK'>, Code>> = {
  UNREACHABLE: 'CIRCUIT_UNREACHABLE',
  BUSY: 'BUSY',
  EXPIRED: 'CIRCUIT_REFUSED',
  REFUSED: 'CIRCUIT_REFUSED',
  REVOKED: 'CIRCUIT_REFUSED',
  INVALID: 'CIRCUIT_REFUSED',
}

/** The neighbour's link: the one there is, or a new one. Throws what libp2p's dial throws. */
export async function linkTo(
  host: Host,
  hop: Hop,
  signal: AbortSignal,
  onProgress: (event: { readonly type: string }) => void = () => {},
): Promise<Connection> {
  const known = existingLink(host, hop.peer)
  if (known !== undefined) return known
  const addresses = hop.addresses.map((address) => multiaddr(address).encapsulate(`/p2p/${hop.peer}`))
  return await host.libp2p.dial(addresses, { signal, onProgress })
}

/** A direct link to the peer; a circuit to it does not count. */
export function existingLink(host: Host, peer: PeerName): Connection | undefined {
  return host.libp2p
    .getConnections(peerIdFromString(peer))
    .find((connection) => connection.status === 'open' && !isCircuitAddress(connection.remoteAddr))
}

/**
 * Opens a circuit over the hops, first hop first, to the last of them. Throws CIRCUIT_UNREACHABLE, CIRCUIT_REFUSED or
 * BUSY; which hop said so is not told by design.
 */
export async function openCircuit(
  host: Host,
  hops: readonly Hop[],
  end: End,
  options: { clock: Clock; signal: AbortSignal },
): Promise<OpenCircuit> {
  const { clock, signal } = options
  const [first] = hops
  if (first === undefined) throw new PosternError('ROUTE_INVALID', 'a circuit needs a hop')
  await host.paces.circuits.turn(first.peer, signal)
  let stream: Stream
  try {
    const link = await linkTo(host, first, signal)
    stream = await link.newStream(protocolId.circuit, { signal, maxOutboundStreams: maxStreamsPerLink })
  } catch (cause) {
    throw new PosternError('CIRCUIT_UNREACHABLE', 'the first relay cannot be reached', { cause })
  }
  try {
    const route = await sealRoute(hops, end, clock)
    const bytes = byteStream(stream, { maxBufferSize: 1024 * 1024 })
    await bytes.write(route.octets, { signal })
    const octet = await bytes.read({ bytes: 1, signal })
    const answer = decodeCircuitAnswer(octet.get(0))
    if (answer !== 'OK') throw new PosternError(codeOf[answer], `the circuit was not opened: ${answer}`)
    bytes.unwrap()
    return { stream, replyKey: route.replyKey }
  } catch (error) {
    stream.abort(error as Error)
    if (error instanceof PosternError) throw error
    throw new PosternError('CIRCUIT_UNREACHABLE', 'the circuit broke while it was opened', { cause: error })
  }
}
