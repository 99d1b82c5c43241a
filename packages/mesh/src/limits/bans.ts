import type { Clock, Log, Meter, PeerName } from '@postern/protocol'
import { Conduct, type Offence } from './conduct.ts'

export interface BansInit {
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  /** Whom a peer is counted as: itself, or the invite that it holds. */
  readonly accountOf: (peer: PeerName) => string
  /** Ends every connection of all who are counted as one. */
  readonly cut: (account: string) => void
  /** Whether the peer could not have known better. */
  readonly excuses?: (peer: PeerName, offence: Offence) => boolean
}

/** Keeps out who misbehaves: counts each offence, and says each ban once. What it knows ends with the process. */
export class Bans {
  readonly #init: BansInit
  readonly #conduct: Conduct

  constructor(init: BansInit) {
    this.#init = init
    this.#conduct = new Conduct(init.clock)
  }

  /** How many peers are kept out now. */
  get count(): number {
    return this.#conduct.bannedNow
  }

  /** Holds an offence against its author, see `offences` for who that may be. */
  blame(peer: PeerName, offence: Offence): void {
    const { accountOf, cut, excuses, log, meter } = this.#init
    if (excuses?.(peer, offence) === true) return
    const account = accountOf(peer)
    meter.count('offences', offence)
    const ban = this.#conduct.commit(account, offence)
    if (ban !== undefined) {
      meter.count('bans', offence)
      log.warn('neighbour banned', { peer, offence, ...ban })
    }
    // A link may have come to be while the ban was spoken.
    if (this.#conduct.banned(account)) cut(account)
  }

  /** Whether a connection of who is counted as this is refused now, which is counted. */
  keepsOut(account: string): boolean {
    const banned = this.#conduct.banned(account)
    if (banned) this.#init.meter.count('links_refused', 'BANNED')
    return banned
  }
}
