const periodMs = 5 * 60_000

type Counts = Readonly<Record<string, number>>

/** What was counted in the last five to ten minutes, of counts that only grow. */
export class Recent {
  readonly #counts: () => Counts
  #before: Counts = {}
  #since: Counts = {}
  #sinceMs: number

  constructor(counts: () => Counts, nowMs: number) {
    this.#counts = counts
    this.#sinceMs = nowMs
  }

  /** Counts of `name{LABEL}` that have grown, by label. To be asked often. */
  of(name: string, nowMs: number): Record<string, number> {
    const counts = this.#counts()
    if (nowMs - this.#sinceMs >= periodMs) {
      this.#before = this.#since
      this.#since = counts
      this.#sinceMs = nowMs
    }
    const grown: Record<string, number> = {}
    for (const [key, count] of Object.entries(counts)) {
      const more = count - (this.#before[key] ?? 0)
      if (key.startsWith(`${name}{`) && more > 0) grown[key.slice(name.length + 1, -1)] = more
    }
    return grown
  }
}
