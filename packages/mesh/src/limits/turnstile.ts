import type { Meter, PeerName } from '@postern/protocol'
import { Allowance } from './allowance.ts'
import type { Bans } from './bans.ts'
import { carriedFor } from './relay-limits.ts'
import type { BucketInit } from './token-bucket.ts'

export interface TurnstileInit extends BucketInit {
  readonly what: 'circuits' | 'circuit_lookups' | 'lookups' | 'registrations'
  readonly bans: Bans
  readonly meter: Meter
}

/** Lets through what each neighbour may ask for in a time, counts what is over, and blames a flood on its author. */
export class Turnstile {
  readonly #init: TurnstileInit
  readonly #allowance: Allowance

  constructor(init: TurnstileInit) {
    this.#init = init
    this.#allowance = new Allowance(init)
  }

  /** What a neighbour carries for others counts less, and is never blamed on it. */
  passes(peer: PeerName, carried = false): boolean {
    const { bans, meter, what } = this.#init
    const verdict = this.#allowance.ask(peer, carried ? 1 / carriedFor : 1)
    if (verdict === 'within') return true
    meter.count('over_rate', what)
    if (verdict === 'flood' && !carried) bans.blame(peer, 'flood')
    return false
  }
}
