import type { Clock, Log, Meter, PeerName } from '@postern/protocol'
import { Conduct, type Offence } from './conduct.ts'

export interface BansInit {
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  /** Ends every connection of a peer. */
  readonly cut: (peer: PeerName) => void
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
    const { cut, excuses, log, meter } = this.#init
    if (excuses?.(peer, offence) === true) return
    meter.count('offences', offence)
    const ban = this.#conduct.commit(peer, offence)
    if (ban !== undefined) {
      meter.count('bans', offence)
      log.warn('neighbour banned', { peer, offence, ...ban })
    }
    // A link may have come to be while the ban was spoken.
    if (this.#conduct.banned(peer)) cut(peer)
  }

  /** Whether a connection of the peer is refused now, which is counted. */
  keepsOut(peer: PeerName): boolean {
    const banned = this.#conduct.banned(peer)
    if (banned) this.#init.meter.count('links_refused', 'BANNED')
    return banned
  }
}
