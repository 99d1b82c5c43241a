import type { Clock, Credential, Meter } from '@postern/protocol'
import { accountOf } from '../rights.ts'
import { Allowance } from './allowance.ts'
import { TokenBucket } from './token-bucket.ts'

const askerPerMinute = 6
const allPerMinute = 60

/** How often an authority is asked: by each member, by all who hold one invite, and by everyone. */
export class EnrolmentGate {
  readonly #meter: Meter
  readonly #each: Allowance
  readonly #all: TokenBucket

  constructor({ clock, meter }: { readonly clock: Clock; readonly meter: Meter }) {
    this.#meter = meter
    this.#each = new Allowance({ clock, perSecond: askerPerMinute / 60, burst: askerPerMinute })
    this.#all = new TokenBucket({ clock, perSecond: allPerMinute / 60, burst: allPerMinute })
  }

  /** An invite counts as one asker: whoever holds it may make as many keys as he likes. */
  passes(asker: Pick<Credential, 'id' | 'peer' | 'roles'>): boolean {
    if (this.#each.ask(accountOf(asker)) === 'within' && this.#all.take()) return true
    this.#meter.count('over_rate', 'enrolments')
    return false
  }
}
