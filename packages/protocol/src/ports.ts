import type { PeerName, ServiceName } from './names.ts'
import type { Pipe } from './pipe.ts'

/** Time since the epoch in milliseconds. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** One line an event: `event` is a stable word, its fields say what it is about. */
export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
}
export type Fields = Readonly<Record<string, unknown>>

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Counters by name and label; a counter exists from its first use. */
export interface Meter {
  count(name: string, label?: string, by?: number): void
}

export const noMeter: Meter = { count() {} }

/** A trunk to one egress: the pipe on which exchanges run, and who is at its end. */
export interface Trunk {
  readonly egress: PeerName
  /** Patterns of the services that the egress may offer. */
  readonly services: readonly string[]
  readonly pipe: Pipe
  /** Peer ids on the way, first hop first, the egress last. */
  readonly path: readonly PeerName[]
  /** Asks for no further exchange on this trunk; another is opened in its place. */
  retire(): void
}

export interface TrunkWish {
  readonly waitMs: number
  readonly not?: ReadonlySet<Trunk>
}

/** The mesh as an ingress sees it. */
export interface Trunks {
  /**
   * A trunk to an egress that offers the service; not one of `not`, unless there is no other.
   * Answers at once where one is open. Throws SERVICE_UNREACHABLE when none can be had within `waitMs`.
   */
  get(service: ServiceName, options: TrunkWish): Trunk | Promise<Trunk>
}

/** What is open at one time. */
export interface OpenTrunks {
  /** Each service with the egresses that offer it. */
  readonly offers: ReadonlyArray<readonly [ServiceName, readonly PeerName[]]>
  readonly trunks: readonly Trunk[]
}

/** Trunks for a reader who is elsewhere, and therefore told of what is open. */
export interface WatchedTrunks extends Trunks {
  /** Tells the one listener what is open: at once, and again with every change, before `get` answers with what is new. */
  watch(listener: (open: OpenTrunks) => void): void
}

/** Who stands at the other end of a trunk, as the mesh has proved it. */
export interface Caller {
  readonly peer: PeerName
  readonly name: string
  /** Patterns of the services it may call. */
  readonly services: readonly string[]
}

/** The mesh as an egress sees it: every trunk that arrives is handed to `accept`. */
export interface Offer {
  readonly services: readonly ServiceName[]
  accept(pipe: Pipe, caller: Caller): void
}
