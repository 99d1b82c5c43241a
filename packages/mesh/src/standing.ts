import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { type Bulletin, maxBulletinSize } from '@postern/identity'
import {
  type BulletinOffer,
  type Clock,
  decodeBulletinOffer,
  encodeBulletinOffer,
  type Log,
  type Meter,
  maxOfferSize,
  offerAnswer,
  PosternError,
  protocolId,
  reasonOf,
} from '@postern/protocol'
import type { Freshness } from './freshness.ts'
import type { Host } from './host.ts'
import { Pace } from './limits/pace.ts'
import { isCircuitAddress } from './link/address.ts'
import { isMalformed, shortLength } from './link/short-length.ts'
import { type Withheld, WithheldWatch } from './withheld.ts'

export interface StandingInit {
  readonly host: Host
  readonly bulletin: Bulletin
  readonly freshness: Freshness
  /** A newer bulletin is in force here, or calls are allowed again, or no longer. */
  readonly learned: () => void
  /** Bulletins that one neighbour may bring in a minute; more wait, because the last of them counts. */
  readonly bulletinsPerMinute: number
  /** See `WithheldInit`. */
  readonly withheldMs: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const sweepMs = 1000
const passDeadlineMs = 10_000

/**
 * Ends the links and circuits of peers that are members no more, and passes on the bulletin that says so: a newer one
 * goes to every neighbour and every far end as soon as it is known here, and to one that comes with an older one. So the
 * two ends of a circuit have the same, whatever the relays between them pass on.
 */
export class Standing {
  readonly #init: StandingInit
  readonly #lists: Pace
  readonly #withheld: WithheldWatch
  #timer: NodeJS.Timeout | undefined
  #allowed = true

  constructor(init: StandingInit) {
    this.#init = init
    const { bulletinsPerMinute, clock, withheldMs } = init
    this.#withheld = new WithheldWatch({ ...init, waitMs: withheldMs })
    this.#lists = new Pace({
      clock,
      perSecond: bulletinsPerMinute / 60,
      burst: bulletinsPerMinute,
      maxWaitMs: passDeadlineMs,
    })
  }

  async start(): Promise<void> {
    const { libp2p } = this.#init.host
    await libp2p.handle(
      protocolId.bulletin,
      (stream, connection) => {
        this.#hear(stream, connection).catch((error: Error) => stream.abort(error))
      },
      { maxInboundStreams: 4 },
    )
    libp2p.addEventListener('connection:open', (event: CustomEvent<Connection>) => this.#met(event.detail))
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#withheld.stop()
  }

  /** A bulletin that relays should have passed on before the far end of a circuit did. */
  get withheld(): Withheld | undefined {
    return this.#withheld.found
  }

  /** Takes a bulletin, whoever brings it, and passes it on where it is newer. Throws what `Bulletin.learn` throws. */
  async learn(sealed: string, from?: Connection): Promise<boolean> {
    const { bulletin, learned, log, meter } = this.#init
    if (!(await bulletin.learn(sealed))) return false
    meter.count('bulletins_learned')
    log.info('bulletin learned', { sequence: bulletin.seq, revoked: bulletin.notice.revoked.length })
    this.cut()
    learned()
    if (from === undefined || !isCircuitAddress(from.remoteAddr)) this.#passToAll(from, () => true)
    else {
      this.#passToAll(from, isCircuitAddress)
      this.#withheld.learned(from, bulletin.seq, () => this.#passToAll(from, (address) => !isCircuitAddress(address)))
    }
    return true
  }

  /** Passes the bulletin to each peer once. */
  #passToAll(from: Connection | undefined, over: (address: Connection['remoteAddr']) => boolean): void {
    const told = new Set([from?.remotePeer.toString()])
    for (const connection of this.#init.host.libp2p.getConnections()) {
      const peer = connection.remotePeer.toString()
      if (told.has(peer) || connection.status !== 'open' || !over(connection.remoteAddr)) continue
      told.add(peer)
      this.#pass(connection)
    }
  }

  /** Takes a heartbeat, whoever brings it, and passes it on where it is newer. Throws what `Freshness.learn` throws. */
  async beat(sealed: string, from?: Connection): Promise<boolean> {
    const { freshness, meter } = this.#init
    if (sealed === '' || !(await freshness.learn(sealed))) return false
    meter.count('heartbeats_learned')
    this.#passToAll(from, () => true)
    return true
  }

  #sweep(): void {
    this.cut()
    const { allows } = this.#init.freshness
    if (allows !== this.#allowed) this.#init.learned()
    this.#allowed = allows
  }

  /** Ends every connection of a peer whose credential has expired or was taken back. */
  cut(): void {
    const { host, log, meter } = this.#init
    for (const { code, name, peer } of host.roster.lapsed()) {
      meter.count('members_cut', code)
      log.warn('member cut off', { peer, name, code })
      for (const connection of host.libp2p.getConnections(peerIdFromString(peer)))
        connection.abort(new PosternError(code, 'the peer is a member no more'))
      host.roster.gone(peer)
    }
  }

  #met(connection: Connection): void {
    const { bulletin, freshness, host } = this.#init
    // A bulletin may have come while the connection was being made.
    this.cut()
    const isOlder = (host.heard.get(connection.remotePeer.toString()) ?? 0) < bulletin.seq
    if (isOlder || freshness.sealed !== '') this.#pass(connection)
  }

  #pass(connection: Connection): void {
    const { bulletin, freshness, host } = this.#init
    const peer = connection.remotePeer.toString()
    if (connection.status !== 'open') return
    // It holds the mesh's secrets: nothing for one who is only invited.
    if ((host.roster.of(peer)?.roles.length ?? 0) === 0) return
    passBulletin(connection, bulletin, freshness.sealed).catch((error: unknown) => {
      this.#init.log.debug('bulletin not passed on', { peer, reason: reasonOf(error) })
    })
  }

  async #hear(stream: Stream, connection: Connection): Promise<void> {
    const from = connection.remotePeer.toString()
    const { bulletin, host, log, meter } = this.#init
    // Not one octet is read of what one who is only invited brings.
    if ((host.roster.of(from)?.roles.length ?? 0) === 0) {
      host.bans.blame(from, 'forbidden')
      throw new PosternError('CREDENTIAL_REFUSED', 'bulletins are brought by members alone')
    }
    const messages = bulletinStream(stream)
    const signal = AbortSignal.timeout(passDeadlineMs)
    await this.#lists.turn(host.roster.accountOf(from), signal)
    try {
      const { heartbeat, sequence } = offerIn((await messages.read({ signal })).subarray())
      this.#withheld.offered(connection, sequence)
      if (sequence > bulletin.seq) {
        await messages.write(Uint8Array.of(offerAnswer.wanted), { signal })
        const octets = await messages.read({ signal })
        await this.learn(Buffer.from(octets.subarray()).toString('latin1'), connection)
      }
      // After the bulletin, which may name the key that has signed it.
      await this.beat(heartbeat, connection)
    } catch (error) {
      const refusal = error instanceof PosternError ? error.code : undefined
      if (refusal !== undefined || isMalformed(error)) {
        meter.count('bulletins_refused')
        log.debug('bulletin refused', { peer: from, code: refusal ?? 'BAD_MESSAGE' })
        host.bans.blame(from, isMalformed(error) ? 'malformed' : 'forged')
      }
      throw error
    }
    await messages.write(Uint8Array.of(offerAnswer.taken), { signal: AbortSignal.timeout(passDeadlineMs) })
    await stream.close({ signal: AbortSignal.timeout(passDeadlineMs) })
  }
}

function bulletinStream(stream: Stream) {
  return lpStream(stream, {
    lengthDecoder: shortLength,
    maxDataLength: maxBulletinSize,
    maxBufferSize: 2 * maxBulletinSize,
  })
}

/** Throws BAD_MESSAGE. */
function offerIn(octets: Uint8Array): BulletinOffer {
  const offer = octets.byteLength > maxOfferSize ? undefined : decodeBulletinOffer(octets)
  if (offer === undefined) throw new PosternError('BAD_MESSAGE', 'this is no offer of a bulletin')
  return offer
}

/** Offers a bulletin to a peer, and hands it over where it is newer there; answers when the peer has it in force. */
export async function passBulletin(
  connection: Connection,
  { seq, sealed }: Pick<Bulletin, 'seq' | 'sealed'>,
  heartbeat = '',
): Promise<void> {
  const signal = AbortSignal.timeout(passDeadlineMs)
  const stream = await connection.newStream(protocolId.bulletin, { signal })
  try {
    const messages = bulletinStream(stream)
    await messages.write(encodeBulletinOffer({ sequence: seq, heartbeat }), { signal })
    const answer = await messages.read({ signal })
    if (answer.get(0) === offerAnswer.wanted) {
      await messages.write(Buffer.from(sealed, 'latin1'), { signal })
      await messages.read({ signal })
    }
    await stream.close({ signal })
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}
