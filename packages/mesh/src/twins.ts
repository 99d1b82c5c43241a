import { randomBytes } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { type Clock, type Log, type Meter, type PeerName, protocolId, reasonOf } from '@postern/protocol'
import { later } from './deadline.ts'
import type { Host } from './host.ts'
import { isCircuitAddress } from './link/address.ts'

export interface TwinsInit {
  readonly host: Pick<Host, 'libp2p'>
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  /** How long a peer has two links before it is asked which processes are behind them: one that was replaced is gone by then. */
  readonly askAfterMs?: number
}

export interface TwinsStatus {
  /** Another process was seen to run with the key of this node. */
  readonly own: boolean
  /** Peers of which two processes run. */
  readonly peers: readonly PeerName[]
}

const instanceSize = 16
const usualAskAfterMs = 10_000
const answerMs = 10_000
/** How long one sighting is spoken of; who is linked twice is asked again sooner. */
const spokenOfMs = 10 * 60_000
const askAgainMs = 5 * 60_000
const verdict = { one: 0, several: 1 } as const

/**
 * Notices two processes with one identity, as of a cloned folder: a process draws a number when it starts, and whoever has
 * two links to a peer asks over each which number is behind it. Both are told when the numbers differ. A process that was
 * replaced answers nothing, and two links of one process have one number.
 */
export class Twins {
  readonly #init: TwinsInit
  readonly #instance = randomBytes(instanceSize)
  readonly #asking = new Map<PeerName, NodeJS.Timeout>()
  readonly #seenMs = new Map<PeerName, number>()
  #ownSeenMs = Number.NEGATIVE_INFINITY

  constructor(init: TwinsInit) {
    this.#init = init
  }

  async start(): Promise<void> {
    const { libp2p } = this.#init.host
    await libp2p.handle(
      protocolId.twins,
      (stream) => {
        this.#answer(stream).catch((error: Error) => stream.abort(error))
      },
      { maxInboundStreams: 2 },
    )
    libp2p.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
  }

  stop(): void {
    for (const timer of this.#asking.values()) clearTimeout(timer)
    this.#asking.clear()
  }

  status(): TwinsStatus {
    const sinceMs = this.#init.clock.now() - spokenOfMs
    for (const [peer, seenMs] of this.#seenMs) if (seenMs < sinceMs) this.#seenMs.delete(peer)
    return { own: this.#ownSeenMs >= sinceMs, peers: [...this.#seenMs.keys()] }
  }

  #opened({ remotePeer }: Connection): void {
    const peer = remotePeer.toString()
    if (this.#linksOf(peer).length > 1) this.#askLater(peer, this.#init.askAfterMs ?? usualAskAfterMs)
  }

  #linksOf(peer: PeerName): Connection[] {
    const all = this.#init.host.libp2p.getConnections()
    return all.filter(({ remoteAddr, remotePeer }) => remotePeer.toString() === peer && !isCircuitAddress(remoteAddr))
  }

  #askLater(peer: PeerName, ms: number): void {
    if (this.#asking.has(peer)) return
    const timer = later(ms, () => {
      this.#asking.delete(peer)
      void this.#ask(peer)
    })
    this.#asking.set(peer, timer)
  }

  async #ask(peer: PeerName): Promise<void> {
    const links = this.#linksOf(peer)
    if (links.length < 2) return
    const signal = AbortSignal.timeout(answerMs)
    const asked = await Promise.allSettled(links.map((link) => askOne(link, signal)))
    const answers = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const several = new Set(answers.map(({ instance }) => instance)).size > 1
    await Promise.allSettled(answers.map(({ tell }) => tell(several)))
    if (!several) return
    this.#seenMs.set(peer, this.#init.clock.now())
    this.#init.meter.count('twins_seen')
    this.#init.log.warn('two processes with one identity', { peer })
    this.#askLater(peer, askAgainMs)
  }

  async #answer(stream: Stream): Promise<void> {
    const signal = AbortSignal.timeout(answerMs)
    const octets = byteStream(stream)
    await octets.write(this.#instance, { signal })
    const told = (await octets.read({ bytes: 1, signal })).get(0)
    if (told === verdict.several) this.#ownSeenMs = this.#init.clock.now()
    await stream.close({ signal }).catch((error: unknown) => {
      this.#init.log.debug('stream not closed', { reason: reasonOf(error) })
    })
  }
}

/** Which process is behind a link, and how it is told. Throws what libp2p throws. */
async function askOne(link: Connection, signal: AbortSignal) {
  const stream = await link.newStream(protocolId.twins, { signal })
  const octets = byteStream(stream)
  const instance = Buffer.from((await octets.read({ bytes: instanceSize, signal })).subarray()).toString('hex')
  return {
    instance,
    tell: async (several: boolean) => {
      await octets.write(Uint8Array.of(several ? verdict.several : verdict.one), { signal })
      await stream.close({ signal })
    },
  }
}
