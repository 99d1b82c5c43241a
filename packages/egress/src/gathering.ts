import { PieceQueue } from '@postern/exchange'
import type { FieldLines } from '@postern/protocol'
import type { ContentFraming } from './backend/request-head.ts'

/**
 * The content of a request until a backend takes it. A connection is worth it once all of the content is there, or so much
 * that it has begun in earnest: who announces content and does not send it holds none.
 */
export class Gathering {
  readonly framing: ContentFraming
  readonly #enoughBytes: number
  readonly #kept = new PieceQueue()
  #bytes = 0
  #trailers: FieldLines | undefined

  constructor(framing: ContentFraming, enoughBytes: number) {
    this.framing = framing
    this.#enoughBytes = enoughBytes
  }

  /** All of the content has arrived, or there is none. */
  get whole(): boolean {
    return this.framing === 'none' || this.#trailers !== undefined || this.#bytes === this.framing
  }

  get enough(): boolean {
    return this.whole || this.#bytes >= this.#enoughBytes
  }

  /** Set once the content has ended. */
  get trailers(): FieldLines | undefined {
    return this.#trailers
  }

  /** Counts the piece. */
  arrived(piece: Uint8Array): void {
    this.#bytes += piece.byteLength
  }

  keep(piece: Uint8Array): void {
    // A piece keeps all of the message that it came in: several hold that many times what they say.
    this.#kept.push(piece.byteLength === piece.buffer.byteLength ? piece : copyOf(piece))
  }

  end(trailers: FieldLines): void {
    this.#trailers = trailers
  }

  /** What was kept, which is kept no longer. */
  take(): Uint8Array[] {
    return this.#kept.takeAll()
  }
}

/** A copy with memory of its own, none of it shared with others as that of small buffers is. */
function copyOf(piece: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(piece.byteLength)
  copy.set(piece)
  return copy
}
