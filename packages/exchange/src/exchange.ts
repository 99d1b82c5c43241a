import type { ExchangeFailureCode, FieldLines } from '@postern/protocol'

/** What either side can do to an open exchange. Calls on one that is over do nothing. */
export interface Exchange {
  /** Sends content, which belongs to the trunk from then on. False asks to wait for `writable`. */
  write(chunk: Uint8Array): boolean
  /** Ends this direction, with trailer fields where there are any. */
  end(trailers?: FieldLines): void
  /** This much of the content received has been dealt with. */
  consumed(bytes: number): void
  /** Ends both directions at once. */
  reset(code: ExchangeFailureCode): void
}
