import type { ExchangeFailureCode, FieldLines, RequestHead, ResponseHead } from '@postern/protocol'

/** What the machine tells its owner, in the order in which it happened. */
export interface MachineEvents {
  request(id: number, head: RequestHead): void
  interim(id: number, head: ResponseHead): void
  response(id: number, head: ResponseHead): void
  body(id: number, piece: Uint8Array): void
  end(id: number, trailers: FieldLines): void
  /** Both directions have ended: nothing more of this exchange. */
  over(id: number): void
  /** The other side ended the exchange in both directions: nothing more of it. */
  reset(id: number, code: ExchangeFailureCode): void
  /** An exchange whose `write` had answered false takes more again. */
  writable(id: number): void
  /** The other side takes no exchange above this id. */
  goaway(lastId: number): void
  pong(opaque: Uint8Array): void
  /** The other side does not speak the protocol: the trunk is to be aborted. Nothing follows. */
  violation(detail: string): void
  /** There is something to pull. */
  wake(): void
}

export interface MachineLimits {
  /** Exchanges that the other side may have open at a time; one more is reset with BUSY. */
  readonly exchanges: number
  /** Octets that receive windows may grow by above their initial size, all exchanges together. */
  readonly growthBytes: number
  /** Octets of content that may be queued, shared out among the exchanges that are open. */
  readonly queueBytes: number
  /** Control frames that may wait while the other side does not read. */
  readonly controlBytes: number
  /** Exchanges that an initiator opens on one trunk before it takes another. */
  readonly exchangesInAll: number
}

export const defaultLimits: MachineLimits = {
  exchanges: 8192,
  growthBytes: 16 * 1024 * 1024,
  queueBytes: 16 * 1024 * 1024,
  controlBytes: 8 * 1024 * 1024,
  // Ids have 32 bits. At 10 000 exchanges a second this many take a day.
  exchangesInAll: 2 ** 30,
}
