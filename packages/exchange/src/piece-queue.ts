/** Pieces below this are joined: each would be an entry, and a frame, of its own. */
const smallBytes = 1024
/** What joined pieces are gathered in. */
const joinedBytes = 8192

/** Octets that wait, in the pieces in which they came, but that small ones are joined: a queue has few entries for its octets. */
export class PieceQueue {
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** Octets behind the last piece that are free, in memory of our own. */
  #room = 0

  /** Octets that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** The piece belongs to the queue from then on. */
  push(piece: Uint8Array): void {
    this.#bytes += piece.byteLength
    if (piece.byteLength >= smallBytes || !this.#join(piece)) {
      this.#pieces.push(piece)
      this.#room = 0
    }
  }

  /** The first octets, at most so many, in one piece; there must be some. */
  take(bytes: number): Uint8Array {
    const first = this.#pieces[0] as Uint8Array
    let piece = first
    if (first.byteLength <= bytes) this.#pieces.shift()
    else {
      piece = first.subarray(0, bytes)
      this.#pieces[0] = first.subarray(bytes)
    }
    // Whoever has taken a part of the memory may have all of it.
    if (this.#pieces.length <= 1) this.#room = 0
    this.#bytes -= piece.byteLength
    return piece
  }

  /** All pieces, which wait no longer. */
  takeAll(): Uint8Array[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    this.#room = 0
    return pieces
  }

  #join(piece: Uint8Array): boolean {
    const at = this.#pieces.length - 1
    let last = this.#pieces[at]
    if (last === undefined) return false
    if (this.#room < piece.byteLength) {
      if (last.byteLength >= smallBytes) return false
      const joined = new Uint8Array(joinedBytes)
      joined.set(last)
      last = joined.subarray(0, last.byteLength)
      this.#room = joinedBytes - last.byteLength
    }
    const whole = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + piece.byteLength)
    whole.set(piece, last.byteLength)
    this.#pieces[at] = whole
    this.#room -= piece.byteLength
    return true
  }
}
