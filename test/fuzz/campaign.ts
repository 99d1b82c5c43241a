import { setImmediate as turn } from 'node:timers/promises'
import { attempt } from './attempt.ts'
import type { Coverage } from './coverage.ts'
import { chance, mutate } from './mutate.ts'
import type { Opened } from './target.ts'

export interface CampaignEvents {
  /** The reader is about to be given the octets. */
  reads(octets: Uint8Array): void
  /** Said after each read: how many there were, and how many octets are worth changing. */
  read(runs: number, corpus: number): void
  /** The reader failed on the octets in a way that it has not failed before. */
  found(octets: Uint8Array, error: unknown): void
}

/** It takes a while to find out what was reached, so that is asked of many reads at once. */
const batchSize = 128
const batchMs = 200
/** Beyond the ceiling, so that a reader which has none is found out. */
const beyondBytes = 64

/** Tries one reader on what it has not seen; what reaches code that nothing has reached is changed further. */
export class Campaign {
  readonly #opened: Opened
  readonly #maxBytes: number
  readonly #coverage: Coverage
  readonly #events: CampaignEvents
  readonly #corpus: Uint8Array[]
  readonly #failures = new Set<string>()
  #runs = 0
  #octets: Uint8Array = new Uint8Array()
  #release = () => {}

  /** Starts from the corpus. */
  constructor(
    opened: Opened,
    init: { corpus: readonly Uint8Array[]; maxBytes: number; coverage: Coverage; events: CampaignEvents },
  ) {
    this.#opened = opened
    this.#maxBytes = init.maxBytes + beyondBytes
    this.#coverage = init.coverage
    this.#events = init.events
    this.#corpus = [...init.corpus]
  }

  async run(untilMs: number): Promise<void> {
    await this.#readAll(this.#corpus)
    if (this.#coverage.reached()) this.#coverage.learn()
    while (performance.now() < untilMs) {
      const batch: Uint8Array[] = []
      const batchEndMs = performance.now() + batchMs
      while (batch.length < batchSize && performance.now() < batchEndMs) {
        const octets = mutate(this.#corpus, chance, this.#maxBytes)
        batch.push(octets)
        await this.#read(octets)
      }
      await this.#sift(batch)
    }
  }

  /** What was thrown out of any read, in a callback: the octets that are being read are to blame. */
  crashed(error: unknown): void {
    this.#failed(error)
    this.#release()
  }

  /** Where what was just read reached anything new, finds out by halves which of it did. */
  async #sift(batch: readonly Uint8Array[]): Promise<void> {
    if (!this.#coverage.reached()) return
    const half = batch.length >> 1
    if (half === 0) {
      this.#coverage.learn()
      this.#corpus.push(...batch)
      return
    }
    for (const part of [batch.slice(0, half), batch.slice(half)]) {
      await this.#readAll(part)
      await this.#sift(part)
    }
  }

  async #readAll(list: readonly Uint8Array[]): Promise<void> {
    for (const octets of list) await this.#read(octets)
  }

  async #read(octets: Uint8Array): Promise<void> {
    this.#octets = octets
    this.#events.reads(octets)
    const released = Promise.withResolvers<void>()
    this.#release = released.resolve
    try {
      await Promise.race([attempt(this.#opened, octets), released.promise])
    } catch (error) {
      this.#failed(error)
    }
    // What the reader has left to be done later may fail too.
    await turn()
    this.#runs += 1
    this.#events.read(this.#runs, this.#corpus.length)
  }

  #failed(error: unknown): void {
    const failure = kindOf(error)
    if (this.#failures.has(failure)) return
    this.#failures.add(failure)
    this.#events.found(this.#octets, error)
  }
}

/** Tells failures apart: what they are, and where in our sources they came about. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const place = error.stack?.split('\n').find((line) => /^\s+at .*\/(packages|test)\//.test(line))
  return `${error.name} ${place ?? error.message}`
}
