import type { MultiaddrConnection } from '@libp2p/interface'
import type { PeerName } from '@postern/protocol'

/**
 * What carries the connections of each peer, from the time at which the peer has proved who it is. An upgrade may end
 * after that and before there is a connection; its carrier ends in any case, and with the last one what is known of the
 * peer.
 */
export class Carriers {
  readonly #gone: (peer: PeerName) => void
  readonly #alive = new Map<PeerName, Set<MultiaddrConnection>>()

  constructor(gone: (peer: PeerName) => void) {
    this.#gone = gone
  }

  add(peer: PeerName, carrier: MultiaddrConnection): void {
    const alive = this.#alive.get(peer) ?? new Set()
    this.#alive.set(peer, alive.add(carrier))
    const over = () => {
      alive.delete(carrier)
      if (alive.size > 0 || this.#alive.get(peer) !== alive) return
      this.#alive.delete(peer)
      this.#gone(peer)
    }
    if (carrier.status === 'open') carrier.addEventListener('close', over, { once: true })
    else queueMicrotask(over)
  }
}
