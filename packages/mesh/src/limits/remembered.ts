import type { Clock } from '@postern/protocol'

export interface RememberedInit<V> {
  readonly clock: Clock
  /** What is not asked for in this time may be forgotten; after twice of it, it is. */
  readonly lifeMs: number
  /** What was not asked for while this many others were is forgotten sooner. */
  readonly ceiling?: number
  readonly make: () => V
}

/**
 * One value for each of many names, at most twice `ceiling` of them, in two generations: no name is moved or deleted
 * when it is asked for again.
 */
export class Remembered<V> {
  readonly #init: RememberedInit<V>
  readonly #ceiling: number
  #recent = new Map<string, V>()
  #older: ReadonlyMap<string, V> = new Map()
  #turnedMs: number

  constructor(init: RememberedInit<V>) {
    this.#init = init
    this.#ceiling = init.ceiling ?? 4096
    this.#turnedMs = init.clock.now()
  }

  /** The value of a name, made where none is remembered. */
  of(name: string): V {
    const now = this.#init.clock.now()
    const agedMs = now - this.#turnedMs
    if (agedMs >= this.#init.lifeMs) this.#turn(now, agedMs >= 2 * this.#init.lifeMs)
    const recent = this.#recent.get(name)
    if (recent !== undefined) return recent
    if (this.#recent.size >= this.#ceiling) this.#turn(now, false)
    const value = this.#older.get(name) ?? this.#init.make()
    this.#recent.set(name, value)
    return value
  }

  /** The value of a name, where one is remembered. Does not keep it from being forgotten. */
  find(name: string): V | undefined {
    return this.#recent.get(name) ?? this.#older.get(name)
  }

  /** All values that are remembered, each once. */
  get values(): V[] {
    return [...new Map([...this.#older, ...this.#recent]).values()]
  }

  #turn(now: number, all: boolean): void {
    this.#older = all ? new Map() : this.#recent
    this.#recent = new Map()
    this.#turnedMs = now
  }
}
