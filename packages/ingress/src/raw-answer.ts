import type { Duplex } from 'node:stream'
import { type FieldLines, http } from '@postern/protocol'

/** The head of an answer as octets (RFC 9112 section 4), for sockets on which node:http writes none. */
export function rawHead(status: number, fields: FieldLines): Buffer {
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Unknown'}`]
  for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i] ?? ''}: ${fields[i + 1] ?? ''}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** A whole answer after which the connection closes. */
export function rawAnswer(answer: {
  readonly status: number
  readonly fields: FieldLines
  readonly body: Buffer
}): Buffer {
  return Buffer.concat([rawHead(answer.status, [...answer.fields, 'connection', 'close']), answer.body])
}

/** How long a client may keep its half of a connection on which nothing more is said. */
const lingerMs = 5000

/** Says the last octets on a connection, and closes it when they have gone or the client does not let them go. */
export function endWith(socket: Duplex, octets: Buffer): void {
  socket.end(octets)
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
