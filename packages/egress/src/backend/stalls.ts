import type { Deadlines, Watched } from '@postern/protocol'

/** An answer under way. */
export interface Stallable {
  /** Since when nobody has read any of it, though there is some, by the process's clock; Infinity where that is not so. */
  stalledSinceMs(): number
  /** Ends it. */
  drop(): void
}

/** Answers that others wait behind, and how many of them may be ended. */
export interface Pressed {
  readonly held: Iterable<Stallable>
  readonly most: number
}

/** While requests wait for a connection, ends answers that nobody reads: those first that have stood still longest. */
export class Stalls implements Watched {
  deadlineMs = Number.POSITIVE_INFINITY
  place = -1
  readonly #stalledMs: number
  readonly #deadlines: Deadlines
  #pressed: () => Pressed | undefined = () => undefined

  constructor(stalledMs: number, deadlines: Deadlines) {
    this.#stalledMs = stalledMs
    this.#deadlines = deadlines
  }

  /** Looks now, and again as long as `pressed` answers. */
  watch(pressed: () => Pressed | undefined): void {
    if (this.place >= 0) return
    this.#pressed = pressed
    this.#deadlines.add(this)
    this.expire()
  }

  expire(): void {
    const pressed = this.#pressed()
    if (pressed === undefined) return this.stop()
    const nowMs = performance.now()
    this.deadlineMs = nowMs + this.#stalledMs / 4
    const stalled = [...pressed.held]
      .map((answer) => ({ answer, sinceMs: answer.stalledSinceMs() }))
      .filter(({ sinceMs }) => nowMs - sinceMs >= this.#stalledMs)
      .toSorted((one, other) => one.sinceMs - other.sinceMs)
    for (const { answer } of stalled.slice(0, pressed.most)) answer.drop()
  }

  stop(): void {
    this.#deadlines.delete(this)
  }
}
