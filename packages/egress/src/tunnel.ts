import type { Incoming, RequestListener } from '@postern/exchange'
import type { Wire } from './backend/dial.ts'

/** Joins an exchange that was upgraded to the backend's socket, octet for octet, with backpressure and half-close. */
export function tunnel(exchange: Incoming, wire: Wire): RequestListener {
  const { socket } = wire
  let waiting = 0
  let over = false
  const breakOff = () => {
    if (over) return
    over = true
    exchange.reset('ABORTED')
  }
  wire.take = (octets) => {
    if (!exchange.write(Buffer.from(octets))) socket.pause()
  }
  socket.on('end', () => exchange.end())
  socket.on('error', breakOff)
  socket.on('close', () => {
    if (!socket.readableEnded) breakOff()
  })
  socket.on('drain', () => {
    exchange.consumed(waiting)
    waiting = 0
  })
  return {
    body(piece) {
      if (socket.write(piece)) exchange.consumed(piece.byteLength)
      else waiting += piece.byteLength
    },
    end: () => socket.end(),
    reset() {
      over = true
      socket.destroy()
    },
    writable: () => socket.resume(),
  }
}
