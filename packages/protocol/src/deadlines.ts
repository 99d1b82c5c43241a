/** Something that may be told that its time is up. */
export interface Watched {
  /** Time of the process's clock in ms after which `expire` is called; Infinity for never. */
  deadlineMs: number
  expire(): void
}

const sweepMs = 250

/** Deadlines of many short-lived things, looked at together a few times a second: no timer each. */
export class Deadlines {
  readonly #watched = new Set<Watched>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    this.#timer.unref()
  }

  get size(): number {
    return this.#watched.size
  }

  add(watched: Watched): void {
    this.#watched.add(watched)
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = performance.now()
    for (const watched of this.#watched) if (watched.deadlineMs <= now) watched.expire()
  }
}
