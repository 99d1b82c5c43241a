/** Which way octets of a circuit go: to the hop after the relay, or to the one before it. */
export type Way = 'onward' | 'back'

/** What a relay does in place of what it should; whatever is not said here it does well. */
export interface Conduct {
  /**
   * What is sent in place of octets of a circuit, the sealed route and the answer to it among them: nothing where
   * undefined, and where it throws the circuit ends. `at` octets of the circuit have gone that way before.
   */
  readonly pass?: (octets: Buffer, way: Way, at: number) => Buffer | undefined
  /** What arrives, a circuit or a lookup, is held without a word; or a circuit is answered as if this were its end. */
  readonly arrivals?: 'hold' | 'pose'
  /** A message that answers every lookup. */
  readonly tell?: () => Buffer
  /** What is said as a guard to be registered, in place of the records that are. */
  readonly records?: () => readonly Uint8Array[]
}
