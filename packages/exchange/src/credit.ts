/** Octets of content that may be under way on a new exchange, each way, before the first CREDIT. */
export const initialCredit = 64 * 1024
/** What a window grows to while its consumer keeps up. */
export const maxWindow = 1024 * 1024
const maxCredit = 0xffff_ffff

/** Octets that an exchange may queue when it is alone, and when there are very many. */
const mostQueued = 128 * 1024
const leastQueued = 16 * 1024

/** What one of the exchanges may queue: the more are open, the less, so that all together stay near the limit. */
export function queueShare(limitBytes: number, exchanges: number): number {
  return Math.min(mostQueued, Math.max(leastQueued, limitBytes / exchanges))
}

/** How much the other side lets us send on one exchange. */
export class SendCredit {
  #available = initialCredit

  get available(): number {
    return this.#available
  }

  take(bytes: number): void {
    this.#available -= bytes
  }

  /** False when the sum would be more than 32 bits: nobody means that. */
  grant(bytes: number): boolean {
    this.#available += bytes
    return this.#available <= maxCredit
  }
}

/** Room that the windows of one trunk may grow by, together, above their initial size. */
export class GrowthBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  take(wanted: number): number {
    const given = Math.min(wanted, this.#left)
    this.#left -= given
    return given
  }

  giveBack(bytes: number): void {
    this.#left += bytes
  }
}

/**
 * How much the other side may send us on one exchange. What arrives is outstanding until it is consumed; a consumer that
 * has taken everything by the time half a window is used up gets a larger one, within the trunk's budget.
 */
export class ReceiveWindow {
  readonly #budget: GrowthBudget
  #size = initialCredit
  #allowed = initialCredit
  #buffered = 0
  #consumed = 0

  constructor(budget: GrowthBudget) {
    this.#budget = budget
  }

  /** Octets that arrived and nobody has taken yet. */
  get buffered(): number {
    return this.#buffered
  }

  /** False when more arrived than was allowed. */
  arrived(bytes: number): boolean {
    this.#allowed -= bytes
    this.#buffered += bytes
    return this.#allowed >= 0
  }

  /** Answers with the octets to grant now: 0, or at least half a window. */
  consumed(bytes: number): number {
    this.#buffered -= bytes
    this.#consumed += bytes
    if (this.#consumed * 2 < this.#size) return 0
    let grant = this.#consumed
    this.#consumed = 0
    if (this.#buffered <= 0 && this.#size < maxWindow) {
      const growth = this.#budget.take(Math.min(this.#size, maxWindow - this.#size))
      this.#size += growth
      grant += growth
    }
    this.#allowed += grant
    return grant
  }

  /** Gives its growth back; the window is not used any more. */
  release(): void {
    this.#budget.giveBack(this.#size - initialCredit)
    this.#size = initialCredit
  }
}
