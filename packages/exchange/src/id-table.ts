import { idHash } from './id-hash.ts'

const firstSize = 64

/**
 * Values by exchange id. A `Map` that is set and deleted from for each exchange makes new tables all the time, and an old
 * one that was promoted holds on to what it held, and to the tables that came after it, until the next collection of
 * everything. This one is two arrays: open addressing with linear probing, and deletion by moving back what follows. The
 * hash has a key, because the other side of a trunk chooses the ids: see `idHash`.
 */
export class IdTable<V> {
  #ids: number[] = emptyIds(firstSize)
  #values: Array<V | undefined> = noValues(firstSize)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): V | undefined {
    return this.#values[this.#find(id)]
  }

  has(id: number): boolean {
    return this.#ids[this.#find(id)] === id
  }

  set(id: number, value: V): void {
    if (2 * (this.#size + 1) > this.#ids.length) this.#grow()
    const at = this.#find(id)
    if (this.#ids[at] !== id) this.#size += 1
    this.#ids[at] = id
    this.#values[at] = value
  }

  delete(id: number): boolean {
    const mask = this.#ids.length - 1
    let hole = this.#find(id)
    if (this.#ids[hole] !== id) return false
    for (let at = (hole + 1) & mask; this.#ids[at] !== none; at = (at + 1) & mask) {
      const home = idHash(this.#ids[at] as number) & mask
      // What stands between its home and the hole may not move before its home.
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.#ids[hole] = this.#ids[at] as number
      this.#values[hole] = this.#values[at]
      hole = at
    }
    this.#ids[hole] = none
    this.#values[hole] = undefined
    this.#size -= 1
    return true
  }

  /** The most places in a row that are taken: no id is further from where its search begins. */
  get longestRun(): number {
    let longest = 0
    let run = 0
    // Twice around, since a run may go over the end.
    for (const id of [...this.#ids, ...this.#ids]) {
      run = id === none ? 0 : run + 1
      longest = Math.max(longest, run)
    }
    return longest
  }

  /** Ids in no order. */
  keys(): number[] {
    return this.#ids.filter((id) => id !== none)
  }

  /** Values in no order. */
  values(): V[] {
    return this.keys().map((id) => this.get(id) as V)
  }

  clear(): void {
    this.#ids.fill(none)
    this.#values.fill(undefined)
    this.#size = 0
  }

  /** The place of the id, or the free one where it would stand. */
  #find(id: number): number {
    const mask = this.#ids.length - 1
    let at = idHash(id) & mask
    while (this.#ids[at] !== id && this.#ids[at] !== none) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const ids = this.#ids
    const values = this.#values
    this.#ids = emptyIds(2 * ids.length)
    this.#values = noValues(2 * ids.length)
    this.#size = 0
    for (const [at, id] of ids.entries()) if (id !== none) this.set(id, values[at] as V)
  }
}

/** Ids are above 0. */
const none = 0

function emptyIds(size: number): number[] {
  return Array.from({ length: size }, () => none)
}

function noValues<V>(size: number): Array<V | undefined> {
  return Array.from({ length: size }, () => undefined)
}
