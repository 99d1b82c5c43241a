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
    this.#kept.push(piece)
  }

  end(trailers: FieldLines): void {
    this.#trailers = trailers
  }

  /** What was kept, which is kept no longer. */
  take(): Uint8Array[] {
    return this.#kept.takeAll()
  }
}
