import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { permits } from '@postern/identity'
import {
  type CircuitAnswer,
  type Clock,
  type Credential,
  decodeLayer,
  type End,
  encodeCircuitAnswer,
  type Forward,
  type Log,
  type Meter,
  type PeerName,
  protocolId,
  reasonOf,
  routeSize,
  slotSize,
} from '@postern/protocol'
import { later } from '../deadline.ts'
import type { KnownRelays } from '../directory/known-relays.ts'
import type { Host } from '../host.ts'
import { type Place, Places } from '../limits/places.ts'
import { type BufferedCircuit, heldBy, RelayBuffers } from '../limits/relay-buffers.ts'
import { carriedFor, lookupBurstSeconds, type RelayLimits } from '../limits/relay-limits.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import { Turnstile } from '../limits/turnstile.ts'
import { maxStreamsPerLink } from '../link/muxer.ts'
import { accountOf, rightsOf } from '../rights.ts'
import { endStream } from '../stream-end.ts'
import { OnwardLinks } from './onward.ts'
import { nextPeer, peel } from './route.ts'
import { RouteJudge } from './route-judge.ts'
import { type Opened, SlotOpener } from './seal.ts'
import { splice } from './splice.ts'

export interface RelayInit {
  readonly host: Host
  /** The node's Ed25519 seed, which opens the layers sealed to it. */
  readonly seed: Uint8Array
  /** Where circuits pass on here, other relays as far as this one knows them. */
  readonly known: Pick<KnownRelays, 'addressesOf'> | undefined
  readonly limits: RelayLimits
  /** Serves a circuit that ends here, after OK was sent; the answer is a refusal when this node is no such end. */
  readonly end: (end: End) => ((stream: Stream, replyKey: Buffer) => Promise<void>) | undefined
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const routeDeadlineMs = 5000
const idleMs = 120_000
/** Both ends of an upgrade give up sooner. */
const upgradeMs = 20_000
/** Time for a neighbour to end what it was refused. */
const refusedMs = 1000
/** A hop that no link comes to be to is answered for after this time, in which it may be dialled. */
const failedAfterMs = 3000

/** What runs here for a neighbour, for as long as it is linked. */
export interface Account {
  readonly circuits: number
  /** Octets that were relayed on circuits that it opened, both ways. */
  readonly bytes: number
}

interface Neighbour {
  readonly peer: PeerName
  /** The peer, or the invite of one who is invited. */
  readonly account: string
  readonly invited: boolean
  /** It is a relay: circuits it opens may be anyone's. */
  readonly carries: boolean
  readonly octets: TokenBucket | undefined
  bytes: number
}

/** Answers circuits: opens the own layer of a route, then passes the circuit on or serves it as its end. */
export class CircuitRelay {
  readonly #init: RelayInit
  readonly #opener: SlotOpener
  readonly #routes: RouteJudge
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #places: Places
  readonly #links: OnwardLinks
  readonly #buffers: RelayBuffers
  readonly #openings: Turnstile
  readonly #lookups: Turnstile

  constructor(init: RelayInit) {
    const { clock, host, limits, meter } = init
    this.#init = init
    this.#opener = new SlotOpener(init.seed)
    this.#routes = new RouteJudge({ clock, ageMs: host.ageMs })
    const { circuitsPerNeighbour, circuitsPerSecond, lookupsPerSecond } = limits
    this.#places = new Places({
      total: limits.circuits,
      perNeighbour: circuitsPerNeighbour,
      evicted: () => meter.count('circuits_evicted'),
    })
    const addressesOf = async (peer: PeerName) => (await init.known?.addressesOf(peer)) ?? []
    this.#links = new OnwardLinks({ host, addressesOf, dialMs: failedAfterMs })
    this.#buffers = new RelayBuffers({
      maxBytes: limits.bufferBytes,
      dropped: () => meter.count('circuits_shed'),
    })
    const common = { bans: host.bans, clock, meter }
    const openings = { perSecond: circuitsPerSecond, burst: circuitsPerNeighbour }
    this.#openings = new Turnstile({ what: 'circuits', ...openings, ...common })
    const lookups = { perSecond: lookupsPerSecond, burst: lookupsPerSecond * lookupBurstSeconds }
    this.#lookups = new Turnstile({ what: 'circuit_lookups', ...lookups, ...common })
  }

  get circuits(): number {
    return this.#places.count
  }

  account(peer: PeerName): Account | undefined {
    const bytes = this.#neighbours.get(peer)?.bytes
    return bytes === undefined ? undefined : { circuits: this.#places.of(peer), bytes }
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
    const { host } = this.#init
    const peer = connection.remotePeer.toString()
    const credential = host.roster.of(peer)
    if (credential === undefined) return this.#refuse(stream, 'REFUSED')
    const neighbour = this.#neighbourOf(credential)
    const { account, carries } = neighbour
    if (!this.#openings.passes(account, carries)) return this.#refuse(stream, 'BUSY')
    const evict = () => stream.abort(new Error('another circuit has taken its place'))
    const place = this.#places.take({ account, carries, most: rightsOf(credential).circuits, evict })
    if (place === undefined) return this.#refuse(stream, 'BUSY')
    this.#init.meter.count('circuits_opened')
    try {
      await this.#route(stream, neighbour, place)
    } finally {
      place.release()
      if (neighbour.invited && this.#places.of(account) === 0) this.#neighbours.delete(account)
    }
  }

  #neighbourOf(credential: Credential): Neighbour {
    const account = accountOf(credential)
    const known = this.#neighbours.get(account)
    const carries = permits(credential, 'relay')
    if (known?.carries === carries) return known
    const { clock, limits } = this.#init
    const rate = limits.bytesPerSecond && limits.bytesPerSecond * (carries ? carriedFor : 1)
    const octets = rate === undefined ? undefined : new TokenBucket({ clock, perSecond: rate, burst: rate })
    const { peer, roles } = credential
    const neighbour = { peer, account, invited: roles.length === 0, carries, octets, bytes: known?.bytes ?? 0 }
    this.#neighbours.set(account, neighbour)
    return neighbour
  }

  async #route(stream: Stream, neighbour: Neighbour, place: Place): Promise<void> {
    const bytes = byteStream(stream, { maxBufferSize: 1024 * 1024 })
    const octets = (await bytes.read({ bytes: routeSize, signal: AbortSignal.timeout(routeDeadlineMs) })).subarray()
    bytes.unwrap()
    const opened = await this.#opener.open(octets.subarray(0, slotSize))
    const layer = opened === undefined ? undefined : decodeLayer(opened.layer)
    if (opened === undefined || layer === undefined) {
      if (!neighbour.carries) this.#init.host.bans.blame(neighbour.account, 'malformed')
      return this.#refuse(stream, 'INVALID')
    }
    const refusal = this.#routes.judge(layer)
    if (refusal !== undefined) return this.#refuse(stream, refusal)
    if (layer.instruction.kind === 'end') await this.#end(stream, layer.instruction, opened, neighbour)
    else if (this.#init.known !== undefined)
      await this.#forward(stream, { forward: layer.instruction, route: octets }, neighbour, place)
    else await this.#refuse(stream, 'REFUSED')
  }

  async #end(stream: Stream, end: End, opened: Opened, { account, carries }: Neighbour): Promise<void> {
    const serve = this.#init.end(end)
    if (serve === undefined) return this.#refuse(stream, 'REFUSED')
    const asks = end.purpose === 'lookup' || end.purpose === 'guards'
    if (asks && !this.#lookups.passes(account, carries)) return this.#refuse(stream, 'BUSY')
    stream.send(encodeCircuitAnswer('OK'))
    await serve(stream, opened.replyKey)
  }

  async #forward(
    stream: Stream,
    { forward, route }: { readonly forward: Forward; readonly route: Uint8Array },
    neighbour: Neighbour,
    place: Place,
  ): Promise<void> {
    const peer = nextPeer(forward)
    if (peer === undefined) return this.#refuse(stream, 'INVALID')
    // A way that turns back is none that an honest node chooses, and doubles what it costs.
    if (peer === neighbour.peer || peer === this.#init.host.peer) return this.#refuse(stream, 'REFUSED')
    const onward = await this.#onward(peer, forward, stream, neighbour)
    if (typeof onward === 'string') return this.#refuse(stream, onward)
    onward.send(peel(route, forward.key))
    const buffered: BufferedCircuit = {
      account: neighbour.account,
      bytes: () => heldBy(stream, onward),
      drop: () => stream.abort(new Error('its octets were not read')),
    }
    this.#buffers.add(buffered)
    await splice(stream, onward, {
      idleMs,
      upgradeMs,
      passed: (count) => {
        place.used()
        neighbour.bytes += count
        this.#init.meter.count('relayed_bytes', undefined, count)
        return neighbour.octets?.owe(count) ?? 0
      },
    })
    this.#buffers.remove(buffered)
  }

  /**
   * A stream to the next hop, over the link there is or one to a relay that is known. Where none comes to be the answer is
   * the same, after the same time, whatever the reason: from here one could look behind a relay's firewall otherwise.
   */
  async #onward(
    peer: PeerName,
    { dial }: Forward,
    stream: Stream,
    neighbour: Neighbour,
  ): Promise<Stream | CircuitAnswer> {
    const open = await this.#streamOn(this.#links.open(peer), peer)
    if (open !== undefined || !dial) return open ?? 'UNREACHABLE'
    const { dialsPerNeighbour } = this.#init.limits
    const most = dialsPerNeighbour * (neighbour.carries ? carriedFor : 1)
    const done = this.#links.want(neighbour.account, peer, most)
    if (done === undefined) {
      this.#init.meter.count('over_rate', 'dials')
      return 'BUSY'
    }
    const time = patience(failedAfterMs, stream)
    const dialled = neighbour.invited ? undefined : this.#links.dial(peer)
    const made = (async () => this.#streamOn(await dialled, peer))()
    try {
      const onward = await Promise.race([made, time.over])
      if (onward !== undefined) return onward
      await time.over
      // One that came to be too late is nobody's.
      void made.then((late) => late?.abort(new Error('too late')))
      return 'UNREACHABLE'
    } finally {
      done()
      time.end()
    }
  }

  async #streamOn(link: Connection | undefined, peer: PeerName): Promise<Stream | undefined> {
    if (link === undefined || this.#init.host.roster.with(peer, 'relay', 'egress', 'authority') === undefined)
      return undefined
    try {
      const signal = AbortSignal.timeout(failedAfterMs)
      return await link.newStream(protocolId.circuit, { signal, maxOutboundStreams: maxStreamsPerLink })
    } catch (error) {
      this.#init.log.debug('circuit not passed on', { reason: reasonOf(error) })
      return undefined
    }
  }

  async #refuse(stream: Stream, answer: CircuitAnswer): Promise<void> {
    this.#init.meter.count('circuits_refused', answer)
    stream.send(encodeCircuitAnswer(answer))
    await endStream(stream, refusedMs)
  }
}

/** Lasts for its time, or until the stream is over. */
function patience(ms: number, stream: Stream): { readonly over: Promise<undefined>; end(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const end = () => resolve(undefined)
  const timer = later(ms, end)
  stream.addEventListener('close', end, { once: true })
  return {
    over: promise,
    end() {
      clearTimeout(timer)
      stream.removeEventListener('close', end)
    },
  }
}
