import { formsOf, type Word } from './forms.ts'

interface Form {
  readonly octets: Buffer
  readonly word: Word
}

/**
 * Looks for many words at once, in all their forms: Wu and Manber's algorithm (TR-94-17, University of Arizona) on pairs
 * of octets. A pair that no form holds lets the search pass over almost the length of the shortest.
 */
export class Search {
  /** The octets of the longest form. */
  readonly longest: number
  readonly #shortest: number
  readonly #shifts: Uint8Array
  /** Forms by the last pair of their first octets, as many as the shortest form has. */
  readonly #endingIn = new Map<number, Form[]>()

  constructor(words: readonly Word[]) {
    const forms = words.flatMap((word) => formsOf(word).map((octets) => ({ octets, word })))
    const lengths = forms.map(({ octets }) => octets.length)
    this.longest = Math.max(...lengths)
    this.#shortest = Math.min(...lengths)
    this.#shifts = new Uint8Array(0x10000).fill(Math.min(255, this.#shortest - 1))
    for (const form of forms) this.#add(form)
  }

  #add(form: Form): void {
    const last = this.#shortest - 1
    for (let at = 1; at <= last; at++) {
      const pair = form.octets.readUInt16BE(at - 1)
      this.#shifts[pair] = Math.min(this.#shifts[pair] ?? 0, last - at)
    }
    const pair = form.octets.readUInt16BE(last - 1)
    this.#endingIn.set(pair, [...(this.#endingIn.get(pair) ?? []), form])
  }

  /** Those of the words that the octets hold. */
  in(octets: Buffer): Set<Word> {
    const found = new Set<Word>()
    let at = this.#shortest - 1
    while (at < octets.length) {
      const pair = ((octets[at - 1] ?? 0) << 8) | (octets[at] ?? 0)
      const shift = this.#shifts[pair] ?? 0
      if (shift === 0) {
        const start = at - this.#shortest + 1
        for (const form of this.#endingIn.get(pair) ?? [])
          if (octets.subarray(start, start + form.octets.length).equals(form.octets)) found.add(form.word)
      }
      at += Math.max(1, shift)
    }
    return found
  }
}
