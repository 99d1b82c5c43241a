import type { PeerName } from '@postern/protocol'
import { Remembered } from './remembered.ts'
import { type BucketInit, TokenBucket } from './token-bucket.ts'

/** Within the rate; over it; or so far over it for so long that nobody who heeds a refusal could be. */
export type Verdict = 'within' | 'over' | 'flood'

/** A flood is refused this many times the rate for longer than this; faster ones are known sooner. */
const floodFactor = 4
const floodSeconds = 10
const leastLifeMs = 60_000

interface Spent {
  readonly tokens: TokenBucket
  readonly patience: TokenBucket
}

/** How often each neighbour may ask for one thing. A neighbour is forgotten when it has had time to be as new again. */
export class Allowance {
  readonly #spent: Remembered<Spent>

  constructor(init: BucketInit) {
    const { burst, clock, perSecond } = init
    const patience = floodFactor * perSecond
    const filledMs = (Math.max(burst / perSecond, floodSeconds) + 1) * 1000
    this.#spent = new Remembered({
      clock,
      lifeMs: Math.max(leastLifeMs, filledMs),
      make: () => ({
        tokens: new TokenBucket(init),
        patience: new TokenBucket({ clock, perSecond: patience, burst: patience * floodSeconds }),
      }),
    })
  }

  /** Judges one more request, which counts as `cost` of one. */
  ask(peer: PeerName, cost = 1): Verdict {
    const { patience, tokens } = this.#spent.of(peer)
    if (tokens.take(cost)) return 'within'
    return patience.take(cost) ? 'over' : 'flood'
  }
}
