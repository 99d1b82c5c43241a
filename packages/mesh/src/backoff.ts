import { randomInt } from 'node:crypto'

/** Waits that double from `firstMs` to `lastMs`, each {@link shortened}. */
export class Backoff {
  readonly #firstMs: number
  readonly #lastMs: number
  #failures = 0

  constructor(firstMs: number, lastMs: number) {
    this.#firstMs = firstMs
    this.#lastMs = lastMs
  }

  succeeded(): void {
    this.#failures = 0
  }

  nextMs(): number {
    const full = Math.min(this.#lastMs, this.#firstMs * 2 ** Math.min(this.#failures, 20))
    this.#failures += 1
    return shortened(full)
  }
}

/** A wait shortened by up to a quarter, so that many that began together do not end together. */
export function shortened(ms: number): number {
  return ms - randomInt(Math.max(1, Math.floor(ms / 4)))
}
