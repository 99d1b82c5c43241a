import { carriedFor } from './relay-limits.ts'

/** A circuit's place at a relay, for as long as the circuit lasts. */
export interface Place {
  /** Something went over the circuit. */
  used(): void
  /** Gives the place back; again has no effect. */
  release(): void
}

export interface PlacesInit {
  readonly total: number
  /** Places of one neighbour that carries circuits for nobody else; a relay may have `carriedFor` times as many. */
  readonly perNeighbour: number
  /** Told of each circuit that has lost its place to another. */
  readonly evicted: () => void
  /** Milliseconds that a clock which is never set has counted. */
  readonly now?: () => number
}

export interface Claim {
  /** The neighbour, or the invite of one who is invited. */
  readonly account: string
  /** The neighbour is a relay: its circuits may be anyone's. */
  readonly carries: boolean
  /** Places that the neighbour may have, where that is fewer than the usual. */
  readonly most?: number
  /** Ends the circuit. */
  readonly evict: () => void
}

interface Taken extends Claim {
  usedMs: number
}

/** A circuit that something went over within this time is not idle. */
const idleAfterMs = 1000

/**
 * Who has how many circuits at a relay. Where there are as many as there may be, the circuit that has been idle for
 * longest gives way: of a relay's for another that the relay carries, else of the neighbour that has most of all for one
 * that has fewer. A neighbour that answers for its own circuits gains nothing by opening more.
 */
export class Places {
  readonly #init: PlacesInit
  readonly #now: () => number
  readonly #accounts = new Map<string, Set<Taken>>()
  #count = 0

  constructor(init: PlacesInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
  }

  get count(): number {
    return this.#count
  }

  of(account: string): number {
    return this.#accounts.get(account)?.size ?? 0
  }

  /** Undefined where there is no place, and none gives way. */
  take(claim: Claim): Place | undefined {
    const { account, carries, most = Number.POSITIVE_INFINITY } = claim
    const { perNeighbour, total } = this.#init
    const own = this.of(account)
    if (own >= Math.min(most, perNeighbour * (carries ? carriedFor : 1)) && !(carries && this.#evictOf(account)))
      return undefined
    if (this.#count >= total && !this.#evictFor(account, carries)) return undefined
    const taken: Taken = { ...claim, usedMs: this.#now() }
    this.#accounts.set(account, (this.#accounts.get(account) ?? new Set()).add(taken))
    this.#count += 1
    return {
      used: () => {
        taken.usedMs = this.#now()
      },
      release: () => this.#release(taken),
    }
  }

  /** Makes room for one more of an account: at the cost of those that have more, the heaviest first, or of its own. */
  #evictFor(account: string, carries: boolean): boolean {
    const own = (this.of(account) + 1) / (carries ? carriedFor : 1)
    const heavier = [...this.#accounts]
      .map(([name, circuits]) => ({ name, weight: weightOf(circuits) }))
      .filter(({ name, weight }) => name !== account && weight > own)
      .toSorted((a, b) => b.weight - a.weight)
    return heavier.some(({ name }) => this.#evictOf(name)) || (carries && this.#evictOf(account))
  }

  #evictOf(account: string): boolean {
    let oldest: Taken | undefined
    for (const taken of this.#accounts.get(account) ?? [])
      if (taken.usedMs < (oldest?.usedMs ?? Number.POSITIVE_INFINITY)) oldest = taken
    if (oldest === undefined || this.#now() - oldest.usedMs < idleAfterMs) return false
    this.#release(oldest)
    this.#init.evicted()
    oldest.evict()
    return true
  }

  #release(taken: Taken): void {
    const circuits = this.#accounts.get(taken.account)
    if (circuits?.delete(taken) !== true) return
    this.#count -= 1
    if (circuits.size === 0) this.#accounts.delete(taken.account)
  }
}

function weightOf(circuits: ReadonlySet<Taken>): number {
  const [any] = circuits
  return any?.carries === true ? circuits.size / carriedFor : circuits.size
}
