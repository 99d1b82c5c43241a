import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerName } from '@postern/protocol'
import { later } from '../deadline.ts'
import type { Host } from '../host.ts'
import { existingLink } from './open.ts'

export interface OnwardInit {
  readonly host: Host
  /** Addresses at which this relay knows another; none where it does not know it. Never throws. */
  readonly addressesOf: (peer: PeerName) => Promise<readonly string[]>
  readonly dialMs: number
}

/**
 * Links from a relay to the hops that circuits go on to. All circuits to one peer share one dial, to addresses that no
 * route has named, which none of them can end or delay.
 */
export class OnwardLinks {
  readonly #init: OnwardInit
  readonly #dials = new Map<PeerName, Promise<Connection | undefined>>()
  /** Peers that are being dialled, by who wants a circuit to them. */
  readonly #wanted = new Map<string, Map<PeerName, number>>()

  constructor(init: OnwardInit) {
    this.#init = init
  }

  /** The link there is. */
  open(peer: PeerName): Connection | undefined {
    return existingLink(this.#init.host, peer)
  }

  /**
   * Counts a peer as dialled for an account until `done` is called; undefined where the account waits for as many others
   * as it may. Circuits to the same peer count once.
   */
  want(account: string, peer: PeerName, most: number): (() => void) | undefined {
    const wanted = this.#wanted.get(account) ?? new Map<PeerName, number>()
    const times = wanted.get(peer) ?? 0
    if (times === 0 && wanted.size >= most) return undefined
    this.#wanted.set(account, wanted.set(peer, times + 1))
    return () => {
      const left = (wanted.get(peer) ?? 1) - 1
      if (left > 0) wanted.set(peer, left)
      else wanted.delete(peer)
      if (wanted.size === 0 && this.#wanted.get(account) === wanted) this.#wanted.delete(account)
    }
  }

  /** Dials a known relay, or joins the dial that is under way. Undefined where there is no link within `dialMs`. */
  dial(peer: PeerName): Promise<Connection | undefined> {
    const underWay = this.#dials.get(peer)
    if (underWay !== undefined) return underWay
    const dial = this.#dial(peer)
    this.#dials.set(peer, dial)
    // One that fails is kept for its time: a peer that cannot be reached is dialled once in it, whoever asks.
    const forget = () => {
      if (this.#dials.get(peer) === dial) this.#dials.delete(peer)
    }
    const kept = later(this.#init.dialMs, forget)
    void dial.then((link) => {
      if (link === undefined) return
      clearTimeout(kept)
      forget()
    })
    return dial
  }

  async #dial(peer: PeerName): Promise<Connection | undefined> {
    const { addressesOf, dialMs, host } = this.#init
    const attempts: AbortController[] = []
    let late = false
    let first: Connection | undefined
    const attempt = async (address: string) => {
      const over = new AbortController()
      if (late) throw new Error('there is no time left')
      attempts.push(over)
      const link = await host.dialAddress(multiaddr(address).encapsulate(`/p2p/${peer}`), over.signal)
      // Its signal would end the link from now on: the runtime's socket keeps it.
      attempts.splice(attempts.indexOf(over), 1)
      first ??= link
      if (first !== link) link.abort(new Error('another link was made at the same time'))
    }
    const abort = () => {
      late = true
      for (const over of attempts) over.abort()
    }
    const timer = later(dialMs, abort)
    try {
      // All at a time: of the addresses that a relay has signed, some lead nowhere from here.
      await Promise.any((await addressesOf(peer)).map(attempt))
    } catch {
      // It is not known, or reached at none of its addresses: which of both is told to nobody.
    } finally {
      clearTimeout(timer)
      abort()
    }
    return first
  }
}
