import { setTimeout } from 'node:timers/promises'
import { type Clock, type PeerName, PosternError } from '@postern/protocol'
import { Remembered } from './remembered.ts'
import { type BucketInit, TokenBucket } from './token-bucket.ts'

/**
 * What a node asks of one relay at most, however many requests wait for it: below the least limit at which a relay could
 * take it for a flood.
 */
export const askingPace = { perSecond: 40, burst: 256 } as const

const lifeMs = 60_000

/** Holds back what is done to each neighbour, or comes from it, until there is room for it. */
export class Pace {
  readonly #buckets: Remembered<TokenBucket>
  readonly #maxWaitMs: number

  constructor(init: BucketInit & { readonly clock: Clock; readonly maxWaitMs: number }) {
    this.#buckets = new Remembered({ clock: init.clock, lifeMs, make: () => new TokenBucket(init) })
    this.#maxWaitMs = init.maxWaitMs
  }

  /** Waits for its turn. Throws BUSY, at once where that is beyond `maxWaitMs`, and when the signal ends the wait. */
  async turn(peer: PeerName, signal: AbortSignal): Promise<void> {
    const waitMs = this.#buckets.of(peer).owe(1, this.#maxWaitMs)
    if (waitMs === undefined) throw tooMuch()
    if (waitMs === 0) return
    await setTimeout(waitMs, undefined, { signal, ref: false }).catch((cause: unknown) => {
      throw tooMuch(cause)
    })
  }
}

function tooMuch(cause?: unknown): PosternError {
  return new PosternError('BUSY', 'too much waits for this neighbour', { cause })
}
