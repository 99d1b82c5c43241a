import { type Bulletin, readHeartbeat, verifyHeartbeat } from '@postern/identity'
import type { Clock } from '@postern/protocol'

export interface FreshnessInit {
  readonly bulletin: Bulletin
  /** Time without a heartbeat after which what is known here counts as stale. */
  readonly staleMs: number
  /** Nobody is called, and no call is taken, while it is stale. */
  readonly strict: boolean
  /** Where the newest heartbeat outlives the process. */
  readonly store: { load(): string; save(sealed: string): void }
  readonly clock: Clock
}

/** How recent what a node knows of revocations is, as an operator sees it. */
export interface FreshnessStatus {
  /** When the authority last said that nothing newer than the bulletin here exists; undefined where it never did. */
  readonly confirmedMs: number | undefined
  readonly staleMs: number
  readonly strict: boolean
}

/** Clocks of members differ by less: one that says to be later is not believed. */
const aheadMs = 120_000

/** Keeps the newest heartbeat of the authority, and from it until when the bulletin here is known to be the newest. */
export class Freshness {
  readonly #init: FreshnessInit
  #sealed = ''
  #newest = { sequence: 0, atMs: 0 }
  #confirmedMs: number | undefined

  constructor(init: FreshnessInit) {
    this.#init = init
  }

  /** Takes up what was kept; a file that is none of it counts as none. */
  async load(): Promise<void> {
    const kept = this.#init.store.load()
    if (kept !== '') await this.learn(kept).catch(() => false)
  }

  /** The newest heartbeat, as it travels; empty before the first. */
  get sealed(): string {
    return this.#sealed
  }

  /** Takes a heartbeat from anyone. Answers whether it was newer; one that is not is not verified. Throws BAD_MESSAGE or CREDENTIAL_…. */
  async learn(sealed: string): Promise<boolean> {
    const { bulletin, clock, store } = this.#init
    const { atMs } = readHeartbeat(sealed)
    if (atMs <= this.#newest.atMs || atMs > clock.now() + aheadMs) return false
    const verified = await verifyHeartbeat(sealed, bulletin)
    if (verified.atMs <= this.#newest.atMs) return false
    this.#newest = verified
    this.#sealed = sealed
    store.save(sealed)
    return true
  }

  get status(): FreshnessStatus {
    const { staleMs, strict } = this.#init
    return { confirmedMs: this.#confirmed(), staleMs, strict }
  }

  /** Whether calls may be made and taken here. */
  get allows(): boolean {
    const { clock, staleMs, strict } = this.#init
    if (!strict) return true
    const confirmedMs = this.#confirmed()
    return confirmedMs !== undefined && clock.now() - confirmedMs <= staleMs
  }

  /** A heartbeat of a bulletin that is not here confirms nothing: somebody withholds that. */
  #confirmed(): number | undefined {
    if (this.#sealed !== '' && this.#newest.sequence <= this.#init.bulletin.seq) this.#confirmedMs = this.#newest.atMs
    return this.#confirmedMs
  }
}
