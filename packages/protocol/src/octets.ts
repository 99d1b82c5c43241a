const empty = Buffer.alloc(0)
/** Up to this length a text is written faster character by character than by a call out of the language. */
const shortText = 24

/**
 * Reads fields off a message that a stranger wrote. Never throws: past the end, or over a ceiling, it answers with
 * zeros and empty values and `bad` turns true, so a decoder checks once, at its end.
 */
export class OctetReader {
  readonly #octets: Buffer
  /** All of the octets as latin1: to cut a text off it costs less than to decode one. */
  #text: string | undefined
  #at = 0
  #bad = false

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  get bad(): boolean {
    return this.#bad
  }

  /** Whether all was read and nothing was wrong. */
  get complete(): boolean {
    return !this.#bad && this.#at === this.#octets.length
  }

  get remaining(): number {
    return this.#octets.length - this.#at
  }

  fail(): void {
    this.#bad = true
  }

  #take(size: number): number {
    const at = this.#at
    if (this.#bad || size > this.#octets.length - at) {
      this.#bad = true
      return -1
    }
    this.#at = at + size
    return at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : (this.#octets[at] ?? 0)
  }

  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : ((this.#octets[at] ?? 0) << 8) | (this.#octets[at + 1] ?? 0)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#octets.readUInt32BE(at)
  }

  /** An unsigned 64-bit number; one above 2^53 - 1 is bad. */
  u64(): number {
    const at = this.#take(8)
    if (at < 0) return 0
    const value = this.#octets.readBigUInt64BE(at)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.#bad = true
    return Number(value)
  }

  octets(size: number): Buffer {
    const at = this.#take(size)
    return at < 0 ? empty : this.#octets.subarray(at, at + size)
  }

  latin1(size: number): string {
    const at = this.#take(size)
    if (at < 0 || size === 0) return ''
    this.#text ??= this.#octets.toString('latin1')
    return this.#text.slice(at, at + size)
  }

  utf8(size: number): string {
    const at = this.#take(size)
    return at < 0 ? '' : this.#octets.toString('utf8', at, at + size)
  }
}

/** Writes the fields of a message of our own into one growing buffer. */
export class OctetWriter {
  #octets: Buffer
  #at: number

  constructor(reserve = 256, start = 0) {
    this.#octets = Buffer.allocUnsafe(reserve)
    this.#at = start
  }

  get length(): number {
    return this.#at
  }

  #room(size: number): number {
    const at = this.#at
    if (at + size > this.#octets.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#octets.length * 2, at + size))
      this.#octets.copy(grown, 0, 0, at)
      this.#octets = grown
    }
    this.#at = at + size
    return at
  }

  u8(value: number): this {
    const at = this.#room(1)
    this.#octets[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#room(2)
    this.#octets[at] = value >>> 8
    this.#octets[at + 1] = value
    return this
  }

  u32(value: number): this {
    const at = this.#room(4)
    this.#octets.writeUInt32BE(value, at)
    return this
  }

  u64(value: number): this {
    const at = this.#room(8)
    this.#octets.writeBigUInt64BE(BigInt(value), at)
    return this
  }

  octets(value: Uint8Array): this {
    const at = this.#room(value.byteLength)
    this.#octets.set(value, at)
    return this
  }

  latin1(value: string): this {
    const size = value.length
    const at = this.#room(size)
    if (size > shortText) this.#octets.write(value, at, 'latin1')
    else for (let i = 0; i < size; i++) this.#octets[at + i] = value.charCodeAt(i)
    return this
  }

  /** All that was written, as one buffer that no later write touches. */
  finish(): Buffer {
    return this.#octets.subarray(0, this.#at)
  }
}
