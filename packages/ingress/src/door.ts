import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Connections, Counted, Deadlines, Meter, Networks, Watched } from '@postern/protocol'
import { type Client, clientAt, setClient } from './client.ts'
import { readProxyHeader } from './proxy-header.ts'

/** Why a connection was closed before its first request. */
export type DoorRefusal = 'ceiling' | 'address' | 'late' | 'tls' | 'proxy'

export interface DoorInit {
  /** All connections of the ingress. */
  readonly connections: Connections
  readonly deadlines: Deadlines
  /** Time from the arrival to the end of the TLS handshake, in ms. */
  readonly handshakeMs: number
  readonly meter: Meter
  /** Who may speak for others, and is not counted by its address. */
  readonly trusted: Networks
  readonly proxyProtocol: boolean
  /** The certificate of an https listener. */
  readonly secure: SecureContext | undefined
  /** Takes a connection on which requests may follow now. */
  readonly serve: (socket: Socket) => void
}

/**
 * What stands between a connection that was accepted and its requests: it is counted, a proxy says who it is from, TLS
 * begins; all within a time of its own.
 */
export class Door {
  readonly #init: DoorInit
  readonly #counted = new WeakMap<Socket, Counted>()

  constructor(init: DoorInit) {
    this.#init = init
  }

  arrived(raw: Socket): void {
    const { connections, deadlines, handshakeMs, proxyProtocol } = this.#init
    raw.on('error', () => {})
    const counted = connections.enter(() => raw.destroy())
    if (counted === undefined) return this.#refuse(raw, 'ceiling')
    const opening: Watched = {
      deadlineMs: performance.now() + handshakeMs,
      place: -1,
      expire: () => this.#refuse(raw, 'late'),
    }
    raw.on('close', () => {
      deadlines.delete(opening)
      connections.leave(counted)
    })
    const serve = (socket: Socket) => {
      deadlines.delete(opening)
      this.#counted.set(socket, counted)
      this.#init.serve(socket)
    }
    if (proxyProtocol || this.#init.secure !== undefined) deadlines.add(opening)
    const peer = clientAt(raw.remoteAddress ?? '')
    if (!proxyProtocol) return this.#identified(raw, peer, counted, serve)
    if (!this.#init.trusted.has(peer.ip)) return this.#refuse(raw, 'proxy')
    this.#hearProxy(raw, (source) =>
      this.#identified(raw, source === undefined ? peer : clientAt(source), counted, serve),
    )
  }

  /** A request has come on a connection: it is not ended for another any more. */
  heard(socket: Socket): void {
    const counted = this.#counted.get(socket)
    if (counted === undefined) return
    this.#counted.delete(socket)
    this.#init.connections.heard(counted)
  }

  #refuse(raw: Socket, reason: DoorRefusal): void {
    this.#init.meter.count('connections_refused', reason)
    raw.destroy()
  }

  /** Reads the header of a proxy; what is behind it is left for whoever reads next. */
  #hearProxy(raw: Socket, said: (source: string | undefined) => void): void {
    let octets = Buffer.alloc(0)
    const hear = (piece: Buffer) => {
      octets = Buffer.concat([octets, piece])
      const header = readProxyHeader(octets)
      if (header === 'more') return
      raw.off('data', hear).off('end', end)
      if (header === undefined) return this.#refuse(raw, 'proxy')
      raw.pause()
      if (header.bytes < octets.length) raw.unshift(octets.subarray(header.bytes))
      said(header.source)
    }
    const end = () => this.#refuse(raw, 'proxy')
    raw.on('data', hear).on('end', end)
  }

  #identified(raw: Socket, client: Client, counted: Counted, serve: (socket: Socket) => void): void {
    const { connections, meter, secure, trusted } = this.#init
    if (!trusted.has(client.ip) && !connections.identify(counted, client.key)) return this.#refuse(raw, 'address')
    setClient(raw, client)
    if (secure === undefined) {
      serve(raw)
      if (raw.isPaused()) raw.resume()
      return
    }
    const socket = new TLSSocket(raw, { isServer: true, secureContext: secure, ALPNProtocols: ['http/1.1'] })
    setClient(socket, client)
    const fail = () => {
      meter.count('connections_refused', 'tls')
      socket.destroy()
    }
    socket.on('error', () => socket.destroy())
    socket.once('error', fail).once('end', fail)
    socket.once('secure', () => {
      socket.off('error', fail).off('end', fail)
      serve(socket)
    })
  }
}
