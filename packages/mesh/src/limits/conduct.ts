import type { Clock, PeerName } from '@postern/protocol'
import { Remembered } from './remembered.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * Offences, and what each weighs against a tolerance of ten, of which one comes back every ten seconds.
 *
 * A neighbour is blamed only for what it alone can have made. All that it says on a stream of its own (a lookup, a
 * registration, a list, the role it acts in, how often it asks) is its own: the link has proved who it is. A route is
 * not. Whoever seals a route seals every layer of it, so a relay passes on layers that it cannot read, and what the next
 * hop finds in them was made by the initiator, one hop back or three. Therefore nothing about a circuit is blamed on a
 * neighbour that has the role of a relay, neither a layer that does not open nor that there are too many; it is only
 * refused. On an ingress it is: it stands in front of no one. Nor is blamed what a slow network, a clock that is off, a
 * list signed with a key not known here yet, or an older version may bring about once in a while: hence the tolerance.
 */
export const offences = {
  /** A message that is none: not of the form, or longer than any. */
  malformed: 1,
  /** An act for which its credential has no role. */
  forbidden: 1,
  /** A record or a list that its signature does not bear out. */
  forged: 1,
  /** See `Verdict`: more than tolerance can make up for. */
  flood: Number.POSITIVE_INFINITY,
} as const
export type Offence = keyof typeof offences

/** A neighbour is kept out from now on. */
export interface Ban {
  readonly forMs: number
  /** 1 for the first one. */
  readonly number: number
}

const tolerance = 10
const forgivenPerSecond = 0.1
const firstBanMs = 10_000
const lastBanMs = 3600_000
/** After this long without another ban since the end of the last one, earlier bans count no more. */
const goodMs = 3600_000

interface Mark {
  readonly tolerance: TokenBucket
  bans: number
  untilMs: number
}

/** Who has misbehaved, and for how long that keeps it out: 10 s at first, twice as long each time, an hour at most. */
export class Conduct {
  readonly #clock: Clock
  readonly #marks: Remembered<Mark>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#marks = new Remembered({
      clock,
      lifeMs: lastBanMs + goodMs,
      make: () => ({
        tolerance: new TokenBucket({ clock, perSecond: forgivenPerSecond, burst: tolerance }),
        bans: 0,
        untilMs: Number.NEGATIVE_INFINITY,
      }),
    })
  }

  /** Answers with the ban that the offence brings, if it does. One who is kept out already is not banned again. */
  commit(peer: PeerName, offence: Offence): Ban | undefined {
    const now = this.#clock.now()
    const mark = this.#marks.of(peer)
    if (now < mark.untilMs || mark.tolerance.take(offences[offence])) return undefined
    mark.bans = now - mark.untilMs >= goodMs ? 1 : mark.bans + 1
    const forMs = Math.min(lastBanMs, firstBanMs * 2 ** (mark.bans - 1))
    mark.untilMs = now + forMs
    return { forMs, number: mark.bans }
  }

  banned(peer: PeerName): boolean {
    return this.#clock.now() < (this.#marks.find(peer)?.untilMs ?? Number.NEGATIVE_INFINITY)
  }

  /** How many are kept out now. */
  get bannedNow(): number {
    const now = this.#clock.now()
    return this.#marks.values.filter(({ untilMs }) => now < untilMs).length
  }
}
