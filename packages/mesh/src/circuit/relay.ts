import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { permits } from '@postern/identity'
import {
  type CircuitAnswer,
  type Clock,
  decodeLayer,
  type End,
  encodeCircuitAnswer,
  type Forward,
  type Layer,
  type Log,
  type Meter,
  type PeerName,
  protocolId,
  reasonOf,
  routeLifeMs,
  routeSize,
  slotSize,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import { carriedFor, lookupBurstSeconds, type RelayLimits } from '../limits/relay-limits.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import { Turnstile } from '../limits/turnstile.ts'
import { maxStreamsPerLink } from '../link/muxer.ts'
import { OneTime } from '../one-time.ts'
import { rightsOf } from '../rights.ts'
import { endStream } from '../stream-end.ts'
import { linkTo } from './open.ts'
import { nextHop, peel } from './route.ts'
import { type Opened, SlotOpener } from './seal.ts'
import { splice } from './splice.ts'

export interface RelayInit {
  readonly host: Host
  /** The node's Ed25519 seed, which opens the layers sealed to it. */
  readonly seed: Uint8Array
  /** Whether circuits may pass on to another hop here. */
  readonly forwards: boolean
  readonly limits: RelayLimits
  /** Serves a circuit that ends here, after OK was sent; the answer is a refusal when this node is no such end. */
  readonly end: (end: End) => ((stream: Stream, replyKey: Buffer) => Promise<void>) | undefined
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const routeDeadlineMs = 5000
const dialDeadlineMs = 8000
const idleMs = 120_000
/** Time for a neighbour to end what it was refused. */
const refusedMs = 1000

/** What runs here for a neighbour, for as long as it is linked. */
export interface Account {
  readonly circuits: number
  /** Octets that were relayed on circuits that it opened, both ways. */
  readonly bytes: number
}

interface Neighbour extends Account {
  readonly peer: PeerName
  /** It is a relay: circuits it opens may be anyone's. */
  readonly carries: boolean
  readonly octets: TokenBucket | undefined
  circuits: number
  bytes: number
}

/** Answers circuits: opens the own layer of a route, then passes the circuit on or serves it as its end. */
export class CircuitRelay {
  readonly #init: RelayInit
  readonly #opener: SlotOpener
  readonly #nonces: OneTime
  /** By the peer, or the invite of one who is invited. */
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #openings: Turnstile
  readonly #lookups: Turnstile
  #total = 0

  constructor(init: RelayInit) {
    const { clock, host, limits, meter } = init
    this.#init = init
    this.#opener = new SlotOpener(init.seed)
    this.#nonces = new OneTime(clock, 2 * routeLifeMs)
    const { circuitsPerNeighbour, circuitsPerSecond, lookupsPerSecond } = limits
    const common = { bans: host.bans, clock, meter }
    const openings = { perSecond: circuitsPerSecond, burst: circuitsPerNeighbour }
    this.#openings = new Turnstile({ what: 'circuits', ...openings, ...common })
    const lookups = { perSecond: lookupsPerSecond, burst: lookupsPerSecond * lookupBurstSeconds }
    this.#lookups = new Turnstile({ what: 'circuit_lookups', ...lookups, ...common })
  }

  get circuits(): number {
    return this.#total
  }

  account(peer: PeerName): Account | undefined {
    return this.#neighbours.get(peer)
  }

  async start(): Promise<void> {
    const { libp2p } = this.#init.host
    await libp2p.handle(
      protocolId.circuit,
      (stream, connection) => {
        this.#serve(stream, connection).catch((error: Error) => stream.abort(error))
      },
      { maxInboundStreams: maxStreamsPerLink, maxOutboundStreams: maxStreamsPerLink },
    )
    libp2p.addEventListener('peer:disconnect', (event: CustomEvent<PeerId>) => {
      this.#neighbours.delete(event.detail.toString())
    })
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const { host, limits, meter } = this.#init
    const peer = connection.remotePeer.toString()
    const credential = host.roster.of(peer)
    if (credential === undefined) return this.#refuse(stream, 'REFUSED')
    const rights = rightsOf(credential)
    const carries = permits(credential, 'relay')
    if (!this.#openings.passes(peer, carries)) return this.#refuse(stream, 'BUSY')
    // Keys cost nothing to make: all that show one invite count as one neighbour.
    const account = credential.roles.length === 0 ? credential.id : peer
    const neighbour = this.#neighbours.get(account) ?? this.#newNeighbour(account, peer, carries)
    const most = Math.min(limits.circuitsPerNeighbour, rights.circuits)
    if (neighbour.circuits >= most || this.#total >= limits.circuits) return this.#refuse(stream, 'BUSY')
    neighbour.circuits += 1
    this.#total += 1
    meter.count('circuits_opened')
    try {
      await this.#route(stream, neighbour)
    } finally {
      neighbour.circuits -= 1
      this.#total -= 1
      if (account !== peer && neighbour.circuits === 0) this.#neighbours.delete(account)
    }
  }

  #newNeighbour(account: string, peer: PeerName, carries: boolean): Neighbour {
    const { clock, limits } = this.#init
    const rate = limits.bytesPerSecond && limits.bytesPerSecond * (carries ? carriedFor : 1)
    const octets = rate === undefined ? undefined : new TokenBucket({ clock, perSecond: rate, burst: rate })
    const neighbour = { peer, carries, octets, circuits: 0, bytes: 0 }
    this.#neighbours.set(account, neighbour)
    return neighbour
  }

  async #route(stream: Stream, neighbour: Neighbour): Promise<void> {
    const bytes = byteStream(stream, { maxBufferSize: 1024 * 1024 })
    const octets = (await bytes.read({ bytes: routeSize, signal: AbortSignal.timeout(routeDeadlineMs) })).subarray()
    bytes.unwrap()
    const opened = await this.#opener.open(octets.subarray(0, slotSize))
    const layer = opened === undefined ? undefined : decodeLayer(opened.layer)
    if (opened === undefined || layer === undefined) {
      if (!neighbour.carries) this.#init.host.bans.blame(neighbour.peer, 'malformed')
      return this.#refuse(stream, 'INVALID')
    }
    const refusal = this.#judge(layer)
    if (refusal !== undefined) return this.#refuse(stream, refusal)
    if (layer.instruction.kind === 'end') await this.#end(stream, layer.instruction, opened, neighbour)
    else if (this.#init.forwards) await this.#forward(stream, layer.instruction, octets, neighbour)
    else await this.#refuse(stream, 'REFUSED')
  }

  #judge(layer: Layer): CircuitAnswer | undefined {
    const left = layer.expiresMs - this.#init.clock.now()
    if (left <= 0 || left > 2 * routeLifeMs) return 'EXPIRED'
    return this.#nonces.use(Buffer.from(layer.nonce).toString('latin1')) ? undefined : 'EXPIRED'
  }

  async #end(stream: Stream, end: End, opened: Opened, { carries, peer }: Neighbour): Promise<void> {
    const serve = this.#init.end(end)
    if (serve === undefined) return this.#refuse(stream, 'REFUSED')
    if (end.purpose === 'lookup' && !this.#lookups.passes(peer, carries)) return this.#refuse(stream, 'BUSY')
    stream.send(encodeCircuitAnswer('OK'))
    await serve(stream, opened.replyKey)
  }

  async #forward(stream: Stream, forward: Forward, route: Uint8Array, neighbour: Neighbour): Promise<void> {
    const { host, log, meter } = this.#init
    let onward: Stream
    try {
      const hop = nextHop(forward)
      const signal = AbortSignal.timeout(dialDeadlineMs)
      const link = await linkTo(host, hop, signal)
      if (host.roster.with(hop.peer, 'relay', 'egress', 'authority') === undefined)
        return await this.#refuse(stream, 'REFUSED')
      onward = await link.newStream(protocolId.circuit, { signal, maxOutboundStreams: maxStreamsPerLink })
    } catch (error) {
      log.debug('circuit not passed on', { reason: reasonOf(error) })
      return this.#refuse(stream, forward.addresses.length === 0 ? 'UNKNOWN_PEER' : 'UNREACHABLE')
    }
    onward.send(peel(route, forward.key))
    await splice(stream, onward, {
      idleMs,
      passed: (count) => {
        neighbour.bytes += count
        meter.count('relayed_bytes', undefined, count)
        return neighbour.octets?.owe(count) ?? 0
      },
    })
  }

  async #refuse(stream: Stream, answer: CircuitAnswer): Promise<void> {
    this.#init.meter.count('circuits_refused', answer)
    stream.send(encodeCircuitAnswer(answer))
    await endStream(stream, refusedMs)
  }
}
