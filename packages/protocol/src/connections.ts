export interface ConnectionLimits {
  readonly connections: number
  /** Connections of one key: that of a client's address. */
  readonly perKey: number
}

/** For want of what a connection is refused, or ended: room at all, or room for one address. */
export type Crowded = 'ceiling' | 'address'

/** A connection that is counted until it leaves. */
export interface Counted {
  /** What it is counted by, once that is known. */
  readonly key: string | undefined
}

interface Place {
  key: string | undefined
  readonly end: () => void
}

interface Group {
  size: number
  readonly silent: Set<Place>
}

/**
 * Connections that others have opened, up to a ceiling and up to a number for each address. Where there is no room for
 * another, the one that has been silent longest is ended for it: who only holds connections open keeps nobody else out.
 */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #evicted: (reason: Crowded) => void
  readonly #groups = new Map<string, Group>()
  /** Those that have said nothing so far, the oldest first. */
  readonly #silent = new Set<Place>()
  readonly #all = new Set<Place>()

  constructor(limits: ConnectionLimits, evicted: (reason: Crowded) => void) {
    this.#limits = limits
    this.#evicted = evicted
  }

  get size(): number {
    return this.#all.size
  }

  /** Counts a connection; undefined where there is no room. `end` is called when it is ended for another. */
  enter(end: () => void): Counted | undefined {
    if (this.#all.size >= this.#limits.connections && !this.#evict(this.#silent, 'ceiling')) return undefined
    const place = { key: undefined, end }
    this.#all.add(place)
    this.#silent.add(place)
    return place
  }

  /** Counts it by its address too, once. False where there is no room for that one: it is to be ended. */
  identify(counted: Counted, key: string): boolean {
    const place: Place = counted as Place
    if (!this.#all.has(place)) return false
    const before = this.#groups.get(key)
    if (before !== undefined && before.size >= this.#limits.perKey && !this.#evict(before.silent, 'address'))
      return false
    // The group may have been left by its last one just now.
    const group = this.#groups.get(key) ?? { size: 0, silent: new Set() }
    this.#groups.set(key, group)
    group.size += 1
    if (this.#silent.has(place)) group.silent.add(place)
    place.key = key
    return true
  }

  /** It has said what it was expected to, and is not ended for another any more. */
  heard(counted: Counted): void {
    const place: Place = counted as Place
    if (this.#silent.delete(place) && place.key !== undefined) this.#groups.get(place.key)?.silent.delete(place)
  }

  leave(counted: Counted): void {
    const place: Place = counted as Place
    if (!this.#all.delete(place)) return
    this.heard(place)
    const group = place.key === undefined ? undefined : this.#groups.get(place.key)
    if (group === undefined || place.key === undefined) return
    group.size -= 1
    if (group.size === 0) this.#groups.delete(place.key)
  }

  #evict(among: ReadonlySet<Place>, reason: Crowded): boolean {
    const [oldest] = among
    if (oldest === undefined) return false
    this.leave(oldest)
    this.#evicted(reason)
    oldest.end()
    return true
  }
}
