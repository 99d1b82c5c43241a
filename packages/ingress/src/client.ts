import type { Socket } from 'node:net'
import { addressKey, canonicalAddress } from '@postern/protocol'

/** Where a request comes from. */
export interface Client {
  /** Address in its usual form; empty where the connection is over. */
  readonly address: string
  /** What limits count it by: an IPv6 client by its /64. */
  readonly key: string
}

const bySocket = new WeakMap<Socket, Client>()

/** The client at the other end of a connection: read once for each. */
export function clientOf(socket: Socket): Client {
  const known = bySocket.get(socket)
  if (known !== undefined) return known
  const address = canonicalAddress(socket.remoteAddress ?? '')
  const client = { address, key: addressKey(address) }
  bySocket.set(socket, client)
  return client
}
