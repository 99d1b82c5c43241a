import type { Connection } from '@libp2p/interface'
import type { Clock, Log, Meter, PeerName } from '@postern/protocol'
import { existingLink } from './circuit/open.ts'
import type { Host } from './host.ts'
import { isCircuitAddress } from './link/address.ts'

export interface WithheldInit {
  readonly host: Host
  /** How long relays have to offer a bulletin that has come over a circuit. */
  readonly waitMs: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** A bulletin that came over a circuit, and that no linked relay had passed on. */
export interface Withheld {
  readonly sequence: number
  /** Each of them held it back, or was not told: those of the circuit where this node chose them, else all that are linked. */
  readonly relays: readonly PeerName[]
  readonly atMs: number
}

/**
 * Finds out relays that withhold bulletins: the far end of a circuit passes its bulletin on to the relays that it is linked
 * with, so that those of the way have it, and pass it on themselves. A node that has it from the far end alone waits
 * for them before it hands it to its own relays, because one that was handed it need not offer it any more.
 */
export class WithheldWatch {
  readonly #init: WithheldInit
  readonly #timers = new Set<NodeJS.Timeout>()
  /** The newest sequence that a neighbour on a link has offered. */
  #offered = 0
  #found: Withheld | undefined

  constructor(init: WithheldInit) {
    this.#init = init
  }

  /** The last one that was found. */
  get found(): Withheld | undefined {
    return this.#found
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** A peer has a bulletin of that sequence. */
  offered(connection: Connection, sequence: number): void {
    if (!isCircuitAddress(connection.remoteAddr)) this.#offered = Math.max(this.#offered, sequence)
  }

  /** A bulletin has come over a circuit: calls back when it may be handed to relays. */
  learned(connection: Connection, sequence: number, handOver: () => void): void {
    const relays = this.#relaysOf(connection)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#offered < sequence && relays.length > 0) this.#withheld(sequence, relays)
      handOver()
    }, this.#init.waitMs)
    timer.unref()
    this.#timers.add(timer)
  }

  #withheld(sequence: number, relays: readonly PeerName[]): void {
    const { clock, log, meter } = this.#init
    this.#found = { sequence, relays, atMs: clock.now() }
    meter.count('bulletins_withheld')
    log.warn('bulletin withheld', { sequence, relays })
  }

  #relaysOf(connection: Connection): readonly PeerName[] {
    const { host } = this.#init
    const chosen = host.ways.get(connection)
    if (chosen !== undefined) return chosen
    const peers = host.libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString())
    return [...new Set(peers)].filter(
      (peer) => existingLink(host, peer) !== undefined && host.roster.with(peer, 'relay') !== undefined,
    )
  }
}
