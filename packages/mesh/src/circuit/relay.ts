import type { Connection, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
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
import { maxStreamsPerLink } from '../link/muxer.ts'
import { OneTime } from '../one-time.ts'
import { linkTo } from './open.ts'
import { nextHop, peel } from './route.ts'
import { type Opened, SlotOpener } from './seal.ts'
import { splice } from './splice.ts'

export interface CircuitLimits {
  readonly perNeighbour: number
  readonly total: number
  readonly idleMs: number
}

export const defaultCircuitLimits: CircuitLimits = { perNeighbour: 1024, total: 4096, idleMs: 120_000 }

export interface RelayInit {
  readonly host: Host
  /** The node's Ed25519 seed, which opens the layers sealed to it. */
  readonly seed: Uint8Array
  /** Whether circuits may pass on to another hop here. */
  readonly forwards: boolean
  readonly limits: CircuitLimits
  /** Serves a circuit that ends here, after OK was sent; the answer is a refusal when this node is no such end. */
  readonly end: (end: End) => ((stream: Stream, replyKey: Buffer) => Promise<void>) | undefined
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const routeDeadlineMs = 5000
const dialDeadlineMs = 8000

interface Account {
  circuits: number
  bytes: number
}

/** Answers circuits: opens the own layer of a route, then passes the circuit on or serves it as its end. */
export class CircuitRelay {
  readonly #init: RelayInit
  readonly #opener: SlotOpener
  readonly #nonces: OneTime
  readonly #accounts = new Map<PeerName, Account>()
  #total = 0

  constructor(init: RelayInit) {
    this.#init = init
    this.#opener = new SlotOpener(init.seed)
    this.#nonces = new OneTime(init.clock, 2 * routeLifeMs)
  }

  get circuits(): number {
    return this.#total
  }

  async start(): Promise<void> {
    await this.#init.host.libp2p.handle(
      protocolId.circuit,
      (stream, connection) => {
        this.#serve(stream, connection).catch((error: Error) => stream.abort(error))
      },
      { maxInboundStreams: maxStreamsPerLink, maxOutboundStreams: maxStreamsPerLink },
    )
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const { host, limits, meter } = this.#init
    const neighbour = connection.remotePeer.toString()
    // Whoever opens a circuit here is an ingress, or a relay that passes one on.
    if (host.roster.with(neighbour, 'ingress', 'relay') === undefined) return this.#answer(stream, 'REFUSED')
    const account = this.#accounts.get(neighbour) ?? { circuits: 0, bytes: 0 }
    if (account.circuits >= limits.perNeighbour || this.#total >= limits.total) return this.#answer(stream, 'BUSY')
    this.#accounts.set(neighbour, account)
    account.circuits += 1
    this.#total += 1
    meter.count('circuits_opened')
    try {
      await this.#route(stream, account)
    } finally {
      account.circuits -= 1
      this.#total -= 1
      if (account.circuits === 0) this.#accounts.delete(neighbour)
    }
  }

  async #route(stream: Stream, account: Account): Promise<void> {
    const bytes = byteStream(stream, { maxBufferSize: 1024 * 1024 })
    const octets = (await bytes.read({ bytes: routeSize, signal: AbortSignal.timeout(routeDeadlineMs) })).subarray()
    bytes.unwrap()
    const opened = await this.#opener.open(octets.subarray(0, slotSize))
    const layer = opened === undefined ? undefined : decodeLayer(opened.layer)
    if (opened === undefined || layer === undefined) return this.#answer(stream, 'INVALID')
    const refusal = this.#judge(layer)
    if (refusal !== undefined) return this.#answer(stream, refusal)
    if (layer.instruction.kind === 'end') await this.#end(stream, layer.instruction, opened)
    else if (this.#init.forwards) await this.#forward(stream, layer.instruction, octets, account)
    else await this.#answer(stream, 'REFUSED')
  }

  #judge(layer: Layer): CircuitAnswer | undefined {
    const left = layer.expiresMs - this.#init.clock.now()
    if (left <= 0 || left > 2 * routeLifeMs) return 'EXPIRED'
    return this.#nonces.use(Buffer.from(layer.nonce).toString('latin1')) ? undefined : 'EXPIRED'
  }

  async #end(stream: Stream, end: End, opened: Opened): Promise<void> {
    const serve = this.#init.end(end)
    if (serve === undefined) return this.#answer(stream, 'REFUSED')
    stream.send(encodeCircuitAnswer('OK'))
    await serve(stream, opened.replyKey)
  }

  async #forward(stream: Stream, forward: Forward, route: Uint8Array, account: Account): Promise<void> {
    const { host, limits, log, meter } = this.#init
    let onward: Stream
    try {
      const hop = nextHop(forward)
      const signal = AbortSignal.timeout(dialDeadlineMs)
      const link = await linkTo(host, hop, signal)
      if (host.roster.with(hop.peer, 'relay', 'egress') === undefined) return await this.#answer(stream, 'REFUSED')
      onward = await link.newStream(protocolId.circuit, { signal, maxOutboundStreams: maxStreamsPerLink })
    } catch (error) {
      log.debug('circuit not passed on', { reason: reasonOf(error) })
      return this.#answer(stream, forward.addresses.length === 0 ? 'UNKNOWN_PEER' : 'UNREACHABLE')
    }
    onward.send(peel(route, forward.key))
    await splice(stream, onward, {
      idleMs: limits.idleMs,
      passed: (count) => {
        account.bytes += count
        meter.count('relayed_bytes', undefined, count)
      },
    })
  }

  async #answer(stream: Stream, answer: CircuitAnswer): Promise<void> {
    this.#init.meter.count('circuits_refused', answer)
    stream.send(encodeCircuitAnswer(answer))
    await stream.close({ signal: AbortSignal.timeout(routeDeadlineMs) })
  }
}
