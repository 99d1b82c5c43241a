import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Deadlines } from '@postern/protocol'

/** A socket to a backend, and whoever takes what arrives on it, from the moment on that it is connected. */
export interface Wire {
  readonly socket: Socket
  /** The octets are lent until it returns: what is kept is to be copied. */
  take: (octets: Buffer) => void
}

/** A connection being made. */
export interface Dialling {
  /** Ends it; nobody hears of it any more. */
  cancel(): void
}

const keepAliveMs = 60_000
/**
 * Where every socket reads into, one after the other: memory of its own for each read, most of which is given back at
 * once, costs more than to copy what is kept. And a socket that is paused reads nothing more, where a stream still does.
 */
const shared = Buffer.allocUnsafeSlow(32 * 1024)

/**
 * Connects to an http or https origin, and answers once: with the wire when it carries octets, over TLS when the
 * certificate has been found good, or with what went wrong.
 */
export function dial(
  origin: URL,
  connectMs: number,
  deadlines: Deadlines,
  done: (result: Wire | Error) => void,
): Dialling {
  const secure = origin.protocol === 'https:'
  const host = origin.hostname.replace(/^\[|\]$/g, '')
  const port = Number(origin.port === '' ? (secure ? 443 : 80) : origin.port)
  const options = {
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    onread: {
      buffer: shared,
      callback(size: number) {
        wire.take(shared.subarray(0, size))
        return true
      },
    },
  }
  const socket = secure
    ? connectTls({ ...options, ALPNProtocols: ['http/1.1'], ...(isIP(host) === 0 ? { servername: host } : {}) })
    : connectTcp(options)
  const wire: Wire = { socket, take: () => {} }
  const ready = secure ? 'secureConnect' : 'connect'
  const watched = {
    deadlineMs: performance.now() + connectMs,
    place: -1,
    expire: () => socket.destroy(new Error(`no connection to ${origin.host} within ${connectMs} ms`)),
  }
  let over = false
  const finish = (result?: Wire | Error) => {
    if (over) return
    over = true
    deadlines.delete(watched)
    if (result !== wire) socket.destroy()
    if (result !== undefined) done(result)
  }
  deadlines.add(watched)
  socket.once(ready, () => finish(wire))
  socket.on('error', finish)
  socket.once('close', () => finish(new Error(`${origin.host} closed the connection`)))
  return { cancel: () => finish() }
}
