import type { IncomingMessage, RequestListener } from 'node:http'
import { type AddressInfo, createServer, type ListenOptions, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { type ExchangeFailureCode, http, PosternError } from '@postern/protocol'
import { loadCertificate } from './certificate.ts'
import { Door, type DoorInit } from './door.ts'
import type { IngressConfig, ListenConfig } from './schema.ts'
import { protocolOf } from './upgrade-protocol.ts'

export interface ListenerEvents {
  readonly request: RequestListener
  readonly upgrade: (request: IncomingMessage, socket: Duplex, early: Buffer) => void
  /** What a client sent is no request; the answer is written on the bare socket. */
  readonly malformed: (code: ExchangeFailureCode, socket: Socket) => void
}

/**
 * A port that several threads listen at, each for itself: the first makes sure that nobody else does. Undefined for a
 * port of one's own.
 */
export type Sharing = 'first' | 'next' | undefined

export interface ListenInit extends Pick<DoorInit, 'connections' | 'deadlines' | 'meter' | 'trusted'> {
  readonly limits: IngressConfig['limits']
  readonly events: ListenerEvents
  readonly sharing: Sharing
}

/** An HTTP/1.1 server where clients arrive. */
export interface Listener {
  /** With the port that was given, where 0 was asked for. */
  readonly url: string
  /** Takes no further connection, and closes those that are idle or become so. */
  drain(): void
  close(): Promise<void>
}

const malformedCode: Readonly<Record<string, ExchangeFailureCode>> = {
  HPE_HEADER_OVERFLOW: 'HEAD_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'CONTENT_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/**
 * Throws ADDRESS_IN_USE, what `loadCertificate` throws, or CONFIG_INVALID where a port cannot be shared on this system.
 */
export async function listen(config: ListenConfig, init: ListenInit): Promise<Listener> {
  const { events, limits, sharing } = init
  const url = new URL(config.url)
  const options = {
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    connectionsCheckingInterval: 1000,
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
    optimizeEmptyRequests: true,
    // A request without Host is refused as others are: with a code.
    requireHostHeader: false,
    shouldUpgradeCallback: (request: IncomingMessage) => protocolOf(request) !== undefined,
  }
  const certificate = config.tls && loadCertificate(config.tls)
  const server = http.createServer(options, events.request)
  const door = new Door({
    ...init,
    handshakeMs: limits.handshakeMs,
    proxyProtocol: config.proxyProtocol,
    secure: certificate && createSecureContext({ ...certificate, honorCipherOrder: true }),
    serve: servedBy(server),
  })
  server.on('connection', (socket: Socket) => door.arrived(socket))
  for (const event of ['request', 'checkContinue', 'checkExpectation', 'upgrade'])
    server.prependListener(event, ({ socket }: IncomingMessage) => door.heard(socket))
  server.on('checkContinue', events.request)
  server.on('checkExpectation', events.request)
  server.on('upgrade', events.upgrade)
  server.on('connect', (_request, socket: Socket) => events.malformed('METHOD_UNSUPPORTED', socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else events.malformed(malformedCode[error.code ?? ''] ?? 'MALFORMED_REQUEST', socket)
  })
  if (sharing === 'first') await claim(url)
  await bind(server, url, { reusePort: sharing !== undefined })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${url.protocol}//${url.hostname}:${port}`,
    drain() {
      server.close()
      server.closeIdleConnections()
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
    },
  }
}

/** Takes from a server what it does with a connection: it is to happen when the connection has come through the door. */
function servedBy(server: NetServer): (socket: Socket) => void {
  const listeners = server.listeners('connection')
  server.removeAllListeners('connection')
  return (socket) => {
    for (const listener of listeners) listener.call(server, socket)
  }
}

/** Listens alone for a moment, which fails where another shares the port with whoever comes. Throws what `bind` throws. */
async function claim(url: URL): Promise<void> {
  const server = createServer()
  await bind(server, url, {})
  await new Promise((resolve) => server.close(resolve))
}

function bind(server: NetServer, url: URL, options: ListenOptions): Promise<void> {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOTSUP') return reject(unshared(cause))
      const inUse = cause.code === 'EADDRINUSE'
      reject(
        new PosternError(
          'ADDRESS_IN_USE',
          `cannot listen on ${host}:${port}: ${inUse ? 'the port is taken' : (cause.code ?? cause.message)}`,
          {
            cause,
            remedy: inUse
              ? 'stop what listens there, or choose another port'
              : 'choose an address of this host and a port it may use',
          },
        ),
      )
    })
    server.listen({ ...options, port, host, backlog: 1024 }, resolve)
  })
}

function unshared(cause: Error): PosternError {
  return new PosternError('CONFIG_INVALID', 'threads cannot listen at the same port on this system', {
    cause,
    remedy: 'set workers to 0',
  })
}
