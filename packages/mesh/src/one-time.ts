import type { Clock } from '@postern/protocol'

/**
 * Remembers what may be used once, for as long as it could be used again, in two generations so that forgetting is
 * cheap. Beyond `ceiling` in one generation it refuses everything: closed rather than forgetful.
 */
export class OneTime {
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #ceiling: number
  #recent = new Set<string>()
  #older = new Set<string>()
  #turnedMs: number

  constructor(clock: Clock, lifeMs: number, ceiling = 500_000) {
    this.#clock = clock
    this.#lifeMs = lifeMs
    this.#ceiling = ceiling
    this.#turnedMs = clock.now()
  }

  /** False when the mark was used before. */
  use(mark: string): boolean {
    const now = this.#clock.now()
    if (now - this.#turnedMs >= this.#lifeMs) {
      this.#older = now - this.#turnedMs >= 2 * this.#lifeMs ? new Set() : this.#recent
      this.#recent = new Set()
      this.#turnedMs = now
    }
    if (this.#recent.has(mark) || this.#older.has(mark) || this.#recent.size >= this.#ceiling) return false
    this.#recent.add(mark)
    return true
  }
}
