import type { ComponentLogger, Connection, MessageStreamDirection, Stream, Upgrader } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerName } from '@postern/protocol'
import type { Uint8ArrayList } from 'uint8arraylist'
import { callDirectly } from '../link/direct.ts'

/** A spliced stream in the place of a socket, so that a circuit becomes an ordinary libp2p connection. */
class CircuitConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream

  constructor(stream: Stream, remoteAddr: Multiaddr, direction: MessageStreamDirection, logger: ComponentLogger) {
    super({ remoteAddr, direction, log: logger.forComponent('postern:circuit'), maxReadBufferLength: 4 * 1024 * 1024 })
    this.#stream = stream
    callDirectly(this)
    stream.addEventListener('message', (event) => this.onData(event.data))
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('end', () => this.onTransportClosed())
    stream.addEventListener('close', (event) => {
      if (event.error === undefined) this.onTransportClosed()
      else if (event.local) this.abort(event.error)
      else this.onRemoteReset()
    })
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = data.byteLength
    if (this.#stream.writeStatus !== 'writable') return { sentBytes, canSendMore: true }
    return { sentBytes, canSendMore: this.#stream.send(data) }
  }

  sendReset(error: Error): void {
    this.#stream.abort(error)
  }

  sendPause(): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  sendResume(): void {
    if (this.#stream.readStatus === 'paused') this.#stream.resume()
  }

  async sendClose(options?: { signal?: AbortSignal }): Promise<void> {
    await this.#stream.close(options)
  }
}

export interface CircuitEnd {
  readonly upgrader: Upgrader
  readonly componentLogger: ComponentLogger
}

/**
 * The initiator's half of the end-to-end upgrade; fails unless the named peer answers, and then resets the circuit, which
 * would stay open at every relay on the way until it was idle for long.
 */
export async function upgradeOutbound(
  end: CircuitEnd,
  stream: Stream,
  peer: PeerName,
  signal: AbortSignal,
): Promise<Connection> {
  const address = multiaddr(`/p2p-circuit/p2p/${peer}`)
  const connection = new CircuitConnection(stream, address, 'outbound', end.componentLogger)
  try {
    return await end.upgrader.upgradeOutbound(connection, { signal, skipProtection: true })
  } catch (error) {
    connection.abort(error as Error)
    throw error
  }
}

/**
 * The end's half. The address names nobody: who the initiator is, Noise and its credential tell, and the neighbour's
 * peer id in its place would be taken for the one to expect. Resets the circuit where the upgrade fails.
 */
export async function upgradeInbound(end: CircuitEnd, stream: Stream, signal: AbortSignal): Promise<void> {
  const connection = new CircuitConnection(stream, multiaddr('/p2p-circuit'), 'inbound', end.componentLogger)
  try {
    await end.upgrader.upgradeInbound(connection, { signal, skipProtection: true })
  } catch (error) {
    connection.abort(error as Error)
    throw error
  }
}
