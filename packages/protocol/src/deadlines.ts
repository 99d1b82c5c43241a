/** Something that may be told that its time is up. */
export interface Watched {
  /** Time of the process's clock in ms after which `expire` is called; Infinity for never. */
  deadlineMs: number
  /** Where it stands among the watched, which `Deadlines` alone writes; -1 for nowhere. */
  place: number
  expire(): void
}

const sweepMs = 250

/**
 * Deadlines of many short-lived things, looked at together a few times a second: no timer each. An array, because a set
 * that is added to and deleted from all the time keeps what it held: its old tables, dead but no longer young, hold on
 * to their entries until the next collection of everything.
 */
export class Deadlines {
  readonly #watched: Watched[] = []
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    this.#timer.unref()
  }

  get size(): number {
    return this.#watched.length
  }

  add(watched: Watched): void {
    if (watched.place < 0) watched.place = this.#watched.push(watched) - 1
  }

  delete(watched: Watched): void {
    const { place } = watched
    const last = place < 0 ? undefined : this.#watched.pop()
    watched.place = -1
    if (last === undefined || last === watched) return
    this.#watched[place] = last
    last.place = place
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = performance.now()
    const late = this.#watched.filter(({ deadlineMs }) => deadlineMs <= now)
    for (const watched of late) if (watched.place >= 0 && watched.deadlineMs <= now) watched.expire()
  }
}
