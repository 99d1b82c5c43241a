import type { Writable } from 'node:stream'
import type { FieldLines } from '@postern/protocol'
import { type ContentFraming, isFraming } from './request-head.ts'

const lastChunk = '0\r\n'

/** Writes the content of one request as its head has announced it. */
export class ContentWriter {
  readonly #socket: Writable
  readonly #framing: ContentFraming
  #written = 0
  #ended: boolean

  constructor(socket: Writable, framing: ContentFraming) {
    this.#socket = socket
    this.#framing = framing
    this.#ended = framing === 'none'
  }

  /** Whether all of the content has been written. */
  get ended(): boolean {
    return this.#ended
  }

  /** Whether the piece is part of the content that was announced; only then it may be written. */
  takes(piece: Uint8Array): boolean {
    if (this.#ended) return false
    return this.#framing === 'chunked' || this.#written + piece.byteLength <= Number(this.#framing)
  }

  /** False asks to wait for `drain` of the socket. */
  write(piece: Uint8Array): boolean {
    // A chunk of no octets would be the last one.
    if (piece.byteLength === 0) return true
    this.#written += piece.byteLength
    if (this.#framing !== 'chunked') return this.#socket.write(piece)
    this.#socket.cork()
    this.#socket.write(`${piece.byteLength.toString(16)}\r\n`, 'latin1')
    this.#socket.write(piece)
    const more = this.#socket.write('\r\n', 'latin1')
    this.#socket.uncork()
    return more
  }

  /**
   * False when less has been written than was announced. Trailer fields go behind chunks alone, and none that speaks of
   * the framing: RFC 9110 section 6.5.
   */
  end(trailers: FieldLines): boolean {
    if (this.#ended) return true
    this.#ended = true
    if (this.#framing !== 'chunked') return this.#written === this.#framing
    let text = lastChunk
    for (let i = 0; i + 1 < trailers.length; i += 2) {
      if (!isFraming(trailers[i] ?? '')) text += `${trailers[i]}: ${trailers[i + 1]}\r\n`
    }
    this.#socket.write(`${text}\r\n`, 'latin1')
    return true
  }
}
