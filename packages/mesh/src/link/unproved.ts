import { addressKey } from '@postern/protocol'

export interface UnprovedLimits {
  /** From one IPv4 address, or one /64 of IPv6. */
  readonly perHost: number
  readonly total: number
}

/** What a relay bears of connections that have not knocked yet, or not well. */
export const unprovedLimits: UnprovedLimits = { perHost: 64, total: 2048 }

/**
 * Connections that have not proved to come from a member. Over a limit the oldest of them gives way to the newest, so
 * that strangers who say nothing cannot keep a member from knocking.
 */
export class Unproved {
  readonly #limits: UnprovedLimits
  readonly #byHost = new Map<string, Set<() => void>>()
  readonly #hosts = new Map<() => void, string>()

  constructor(limits: UnprovedLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#hosts.size
  }

  /** Counts a connection from an address until `leave`; `evict` is called at most once, when it is to give way. */
  enter(address: string, evict: () => void): void {
    const host = addressKey(address)
    const beside = this.#byHost.get(host) ?? new Set()
    this.#byHost.set(host, beside)
    beside.add(evict)
    this.#hosts.set(evict, host)
    if (beside.size > this.#limits.perHost) this.#evictFirst(beside)
    else if (this.#hosts.size > this.#limits.total) this.#evictFirst(this.#hosts.keys())
  }

  leave(evict: () => void): void {
    const host = this.#hosts.get(evict)
    if (host === undefined) return
    this.#hosts.delete(evict)
    const beside = this.#byHost.get(host)
    beside?.delete(evict)
    if (beside?.size === 0) this.#byHost.delete(host)
  }

  #evictFirst(connections: Iterable<() => void>): void {
    for (const evict of connections) {
      this.leave(evict)
      evict()
      return
    }
  }
}
