import { type Keep, probeFolder, replaceFile } from '@postern/identity'
import { type Meter, reasonOf } from '@postern/protocol'

/** What is in memory, and not on the disk. */
export interface Unwritten {
  readonly file: string
  readonly reason: string
}

const firstRetryMs = 1000
const longestRetryMs = 60_000

/**
 * Keeps texts in files of the state folder. A text that cannot be written waits in memory, the newest of each file alone,
 * and is tried again: when it changes, when another was written, and by itself after 1 s, 2 s, up to a minute. So a disk
 * that is full, or read-only, costs what is on it nothing and the node no work.
 */
export class StateWriter {
  readonly #meter: Meter
  readonly #waiting = new Map<string, { readonly write: () => void; readonly reason: string }>()
  #timer: NodeJS.Timeout | undefined
  #retryMs = firstRetryMs

  constructor(meter: Meter) {
    this.#meter = meter
  }

  get unwritten(): Unwritten[] {
    return [...this.#waiting].map(([file, { reason }]) => ({ file, reason }))
  }

  /** Never throws. */
  readonly keep: Keep = (file, text) => {
    this.#attempt(file, () => replaceFile(file, text))
  }

  /** Counts a folder, in which something could not be written, as unwritten until it takes files. */
  watch(folder: string): void {
    this.#attempt(folder, () => probeFolder(folder))
  }

  /** Tries a last time. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#retryAll()
    clearTimeout(this.#timer)
  }

  #attempt(file: string, write: () => void): void {
    if (!this.#written(file, write)) return this.#retryLater()
    if (this.#waiting.size > 0) this.#retryAll()
  }

  #written(file: string, write: () => void): boolean {
    try {
      write()
    } catch (error) {
      this.#waiting.set(file, { write, reason: reasonOf(error) })
      this.#meter.count('state_writes_failed')
      return false
    }
    this.#waiting.delete(file)
    return true
  }

  #retryAll(): void {
    for (const [file, { write }] of this.#waiting) this.#written(file, write)
    if (this.#waiting.size > 0) return this.#retryLater()
    this.#retryMs = firstRetryMs
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #retryLater(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#retryAll()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }
}
