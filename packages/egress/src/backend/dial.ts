import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Deadlines } from '@postern/protocol'

/** A connection being made. */
export interface Dialling {
  /** Ends it; nobody hears of it any more. */
  cancel(): void
}

const keepAliveMs = 60_000

/**
 * Connects to an http or https origin, and answers once: with the socket when it carries octets, over TLS when the
 * certificate has been found good, or with what went wrong.
 */
export function dial(
  origin: URL,
  connectMs: number,
  deadlines: Deadlines,
  done: (result: Socket | Error) => void,
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
  }
  const socket = secure
    ? connectTls({ ...options, ALPNProtocols: ['http/1.1'], ...(isIP(host) === 0 ? { servername: host } : {}) })
    : connectTcp(options)
  const ready = secure ? 'secureConnect' : 'connect'
  const watched = {
    deadlineMs: performance.now() + connectMs,
    place: -1,
    expire: () => socket.destroy(new Error(`no connection to ${origin.host} within ${connectMs} ms`)),
  }
  let over = false
  const finish = (result?: Socket | Error) => {
    if (over) return
    over = true
    deadlines.delete(watched)
    if (result !== socket) socket.destroy()
    if (result !== undefined) done(result)
  }
  deadlines.add(watched)
  socket.once(ready, () => finish(socket))
  socket.on('error', finish)
  socket.once('close', () => finish(new Error(`${origin.host} closed the connection`)))
  return { cancel: () => finish() }
}
