/** Whoever buffers for others: the end of a trunk. */
export interface BufferHolder {
  /** Lets go of something, so that it holds less, where there is something that it can let go of. */
  shed(): void
}

/** What one holder has, as the budget counts it. */
export interface Held {
  readonly bytes: number
  /** More is held, or less where it is negative. May make any holder shed before it returns, this one too. */
  add(bytes: number): void
  /** The holder is over, and holds nothing. */
  release(): void
}

interface Share extends Held {
  bytes: number
  readonly holder: BufferHolder
}

/**
 * What all trunks of a node may hold together: heads, content that nobody has taken yet, frames that wait. Beyond it the
 * trunk that holds most lets go of what is heaviest on it, again and again until all have room.
 */
export class BufferBudget {
  readonly #limitBytes: number
  readonly #notify: () => void
  readonly #shares = new Set<Share>()
  #bytes = 0
  #shedding = false

  /** `shed` is told of each time that a trunk had to let go of something. */
  constructor(limitBytes: number, shed: () => void = () => {}) {
    this.#limitBytes = limitBytes
    this.#notify = shed
  }

  get bytes(): number {
    return this.#bytes
  }

  join(holder: BufferHolder): Held {
    const add = (bytes: number): void => {
      if (!this.#shares.has(share)) return
      share.bytes += bytes
      this.#bytes += bytes
      if (this.#bytes > this.#limitBytes && !this.#shedding) this.#shed()
    }
    const release = (): void => {
      if (this.#shares.delete(share)) this.#bytes -= share.bytes
    }
    const share: Share = { holder, bytes: 0, add, release }
    this.#shares.add(share)
    return share
  }

  #shed(): void {
    this.#shedding = true
    // Those that cannot let go of anything are passed over.
    const stuck = new Set<Share>()
    while (this.#bytes > this.#limitBytes) {
      const heaviest = this.#heaviest(stuck)
      if (heaviest === undefined) break
      const before = this.#bytes
      heaviest.holder.shed()
      if (this.#bytes < before) this.#notify()
      else stuck.add(heaviest)
    }
    this.#shedding = false
  }

  #heaviest(stuck: ReadonlySet<Share>): Share | undefined {
    let heaviest: Share | undefined
    for (const share of this.#shares) if (!stuck.has(share) && share.bytes > (heaviest?.bytes ?? 0)) heaviest = share
    return heaviest
  }
}

/** For a trunk on its own. */
export const unlimited: Held = { bytes: 0, add() {}, release() {} }
