import type { Clock } from '@postern/protocol'

export interface BucketInit {
  readonly clock: Clock
  /** Tokens that come back in a second. */
  readonly perSecond: number
  /** Tokens that it holds at most, and at first. */
  readonly burst: number
}

/** Tokens that come back with time: so many at once, so many a second in the long run. A clock set back costs none. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor({ burst, clock, perSecond }: BucketInit) {
    this.#clock = clock
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = clock.now()
  }

  /** Takes tokens where there are as many; false, and nothing taken, where not. */
  take(cost = 1): boolean {
    this.#refill()
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /**
   * Takes tokens that may not be there yet, and answers after how many ms they are; undefined, and nothing taken, where
   * that is beyond `withinMs`.
   */
  owe(cost: number): number
  owe(cost: number, withinMs: number): number | undefined
  owe(cost: number, withinMs = Number.POSITIVE_INFINITY): number | undefined {
    this.#refill()
    const waitMs = Math.max(0, (cost - this.#tokens) / this.#perMs)
    if (waitMs > withinMs) return undefined
    this.#tokens -= cost
    return waitMs
  }

  #refill(): void {
    const now = this.#clock.now()
    if (now > this.#atMs) this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#atMs) * this.#perMs)
    this.#atMs = now
  }
}
