import type { Socket } from 'node:net'
import { addressKey, canonicalAddress, type IpAddress, readIpAddress } from '@postern/protocol'

/** Where a request comes from. */
export interface Client {
  /** Address in its usual form; empty where the connection was over before anyone asked. */
  readonly address: string
  readonly ip: IpAddress | undefined
  /** What limits count it by: an IPv6 client by its /64. */
  readonly key: string
}

const bySocket = new WeakMap<Socket, Client>()

export function clientAt(text: string): Client {
  const address = canonicalAddress(text)
  return { address, ip: readIpAddress(address), key: addressKey(address) }
}

/** The client at the other end of a connection: its peer, unless a proxy has said otherwise. Read once for each. */
export function clientOf(socket: Socket): Client {
  return bySocket.get(socket) ?? setClient(socket, clientAt(socket.remoteAddress ?? ''))
}

export function setClient(socket: Socket, client: Client): Client {
  bySocket.set(socket, client)
  return client
}
