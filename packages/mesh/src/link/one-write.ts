import { Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'

/** Pieces of one message up to this size are copied into one buffer; larger ones leave as a vector. */
const joinBytes = 16 * 1024

interface SocketConnection {
  socket: Socket
  sendData(data: Iterable<Uint8Array> & { byteLength: number }): { sentBytes: number; canSendMore: boolean }
}

function hasSocket(connection: object): connection is SocketConnection {
  return 'socket' in connection && connection.socket instanceof Socket && 'sendData' in connection
}

/**
 * Decorates a TCP connection so that one message is one write. As published (@libp2p/tcp 11.0.28) each piece of a
 * message is a write of its own: a system call, and a wake-up of the other side, for two octets of length.
 */
export function oneWrite(connection: MultiaddrConnection): void {
  if (!hasSocket(connection)) return
  connection.sendData = (data) => {
    const { socket } = connection
    const pieces = [...data]
    const sentBytes = data.byteLength
    const [first] = pieces
    if (first === undefined) return { sentBytes, canSendMore: true }
    if (pieces.length === 1) return { sentBytes, canSendMore: socket.write(first) }
    if (sentBytes <= joinBytes) return { sentBytes, canSendMore: socket.write(Buffer.concat(pieces, sentBytes)) }
    socket.cork()
    let canSendMore = true
    for (const piece of pieces) canSendMore = socket.write(piece)
    socket.uncork()
    return { sentBytes, canSendMore }
  }
}
