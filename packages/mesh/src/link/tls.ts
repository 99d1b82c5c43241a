import { Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import type { MultiaddrConnection, PrivateKey, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils'
import { PosternError } from '@postern/protocol'
import type { Uint8ArrayList } from 'uint8arraylist'

/** What this needs of a TCP connection (@libp2p/tcp 11.0.28, socket-to-conn.js). */
interface SocketConnection extends MultiaddrConnection {
  socket: Socket
  readBuffer: Uint8ArrayList
  onData(octets: Uint8Array): void
  sendReset(): void
}

const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

/**
 * TLS 1.3 on the socket of a link, with the certificates of libp2p, which prove peer ids (libp2p specs, tls/tls.md).
 * Neither ALPN nor SNI is said, since both would be read on the way. As published (@libp2p/tls 3.1.10) TLS runs over a
 * stream of JavaScript, and takes longer than Noise; here the runtime enciphers what it writes, and the connection stays
 * the one it was, with its socket in another's place.
 */
export class LinkTls {
  readonly #key: PrivateKey
  #certificate: ReturnType<typeof generateCertificate> | undefined

  constructor(key: PrivateKey) {
    this.#key = key
  }

  /**
   * Throws what libp2p throws of a certificate that is not as it should be or not of the peer that was dialled,
   * CREDENTIAL_INVALID where there is none, and what TLS throws. Then the caller is to abort the connection.
   */
  async secure(connection: MultiaddrConnection, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    this.#certificate ??= generateCertificate(this.#key)
    const own = await this.#certificate
    options?.signal?.throwIfAborted()
    const socket = takeSocket(connection)
    const common = { ...own, ...version, rejectUnauthorized: false }
    const tls =
      connection.direction === 'inbound'
        ? new TLSSocket(socket, { ...common, isServer: true, requestCert: true })
        : connect({ socket, ...common })
    putSocket(connection as SocketConnection, tls)
    await shaken(tls, options?.signal)
    const { raw } = tls.getPeerX509Certificate() ?? {}
    if (raw === undefined) throw new PosternError('CREDENTIAL_INVALID', 'the other side shows no certificate')
    return { connection, remotePeer: await verifyPeerCertificate(raw, options?.remotePeer) }
  }
}

function hasSocket(connection: MultiaddrConnection): connection is SocketConnection {
  return 'socket' in connection && connection.socket instanceof Socket
}

/**
 * The socket of a connection, which from here on hears nothing of it but its end; what it had read is on the socket
 * again. Throws TypeError where it has none.
 */
export function takeSocket(connection: MultiaddrConnection): Socket {
  if (!hasSocket(connection)) throw new TypeError('a link is a connection over a socket')
  const { readBuffer, socket } = connection
  socket.pause()
  socket.removeAllListeners('data')
  if (readBuffer.byteLength > 0) {
    socket.unshift(readBuffer.subarray())
    readBuffer.consume(readBuffer.byteLength)
  }
  return socket
}

function putSocket(connection: SocketConnection, tls: TLSSocket): void {
  const { socket } = connection
  connection.socket = tls
  connection.sendReset = () => {
    // What ends with a reset must not be ending already (libuv, uv_tcp_close_reset).
    if (tls.writableEnded || socket.writableEnded) socket.destroy()
    else socket.resetAndDestroy()
  }
  tls.on('data', (octets: Buffer) => connection.onData(octets))
  tls.on('drain', () => connection.safeDispatchEvent('drain'))
  tls.on('error', (error) => connection.abort(error))
}

/** Waits for the end of the handshake. Throws what breaks it off. */
async function shaken(tls: TLSSocket, signal?: AbortSignal): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<void>()
  const abort = () => tls.destroy(signal?.reason)
  const over = () => reject(new PosternError('CIRCUIT_UNREACHABLE', 'the link broke off in its handshake'))
  signal?.addEventListener('abort', abort)
  tls.once('secure', resolve).once('error', reject).once('close', over)
  try {
    await promise
  } finally {
    signal?.removeEventListener('abort', abort)
    tls.off('error', reject).off('close', over)
  }
}
