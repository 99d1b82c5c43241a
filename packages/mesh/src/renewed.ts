import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { type Member, undisclosed } from '@postern/identity'
import { type Log, type Meter, maxCredentialSize, PosternError, protocolId, reasonOf } from '@postern/protocol'
import type { Host } from './host.ts'
import { isCircuitAddress } from './link/address.ts'
import { names } from './link/disclosure.ts'
import { shortLength } from './link/short-length.ts'

export interface RenewedInit {
  readonly host: Host
  readonly member: Pick<Member, 'sealed' | 'credential' | 'verifier'>
  readonly log: Log
  readonly meter: Meter
}

const deadlineMs = 10_000
const taken = 1

/** Lets peers learn each other's newer credentials on the connections there are, so that none is dropped for it. */
export class Renewed {
  readonly #init: RenewedInit

  constructor(init: RenewedInit) {
    this.#init = init
  }

  async start(): Promise<void> {
    await this.#init.host.libp2p.handle(
      protocolId.credential,
      (stream, connection) => {
        this.#hear(stream, connection).catch((error: Error) => stream.abort(error))
      },
      { maxInboundStreams: 2 },
    )
  }

  /** Shows every peer the own credential as it is now; the names of services to those who are shown them when a circuit opens. */
  async tell(): Promise<void> {
    await Promise.all(this.#init.host.libp2p.getConnections().map((connection) => this.#show(connection)))
  }

  async #show(connection: Connection): Promise<void> {
    const { host, log, member } = this.#init
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const { direction, remoteAddr, remotePeer } = connection
      const other = isCircuitAddress(remoteAddr) ? host.roster.of(remotePeer.toString()) : undefined
      const discloses = other !== undefined && names(member.credential, other, direction === 'inbound')
      const shown = discloses ? member.sealed : undisclosed(member.sealed)
      const stream = await connection.newStream(protocolId.credential, { signal })
      const messages = messagesOf(stream)
      await messages.write(Buffer.from(shown, 'latin1'), { signal })
      await messages.read({ signal })
      await stream.close({ signal })
    } catch (error) {
      log.debug('credential not shown', { peer: connection.remotePeer.toString(), reason: reasonOf(error) })
    }
  }

  async #hear(stream: Stream, connection: Connection): Promise<void> {
    const { host, log, member, meter } = this.#init
    const peer = connection.remotePeer.toString()
    const signal = AbortSignal.timeout(deadlineMs)
    const messages = messagesOf(stream)
    const octets = await messages.read({ signal })
    try {
      host.roster.proved(await member.verifier.credential(Buffer.from(octets.subarray()).toString('latin1'), peer))
    } catch (error) {
      const code = error instanceof PosternError ? error.code : 'CREDENTIAL_INVALID'
      meter.count('renewals_refused', code)
      log.warn('renewed credential refused', { peer, code })
      // What was revoked or has ended meanwhile may be shown in good faith.
      if (/^CREDENTIAL_(INVALID|WRONG_PEER)$/.test(code)) host.bans.blame(peer, 'forged')
      throw error
    }
    meter.count('renewals_learned')
    await messages.write(Uint8Array.of(taken), { signal })
    await stream.close({ signal })
  }
}

function messagesOf(stream: Stream) {
  return lpStream(stream, {
    lengthDecoder: shortLength,
    maxDataLength: maxCredentialSize,
    maxBufferSize: 2 * maxCredentialSize,
  })
}
