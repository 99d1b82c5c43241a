import { Readable } from 'node:stream'
import type { Incoming } from '@postern/exchange'

const highWaterMark = 64 * 1024

/** A request's content as a stream to the backend: what the backend does not take, the client is not asked for. */
export class Content extends Readable {
  readonly #exchange: Incoming
  #unacknowledged = 0
  #wanted: (() => void) | undefined

  /** `wanted` is called once, when the backend is there and asks for content. */
  constructor(exchange: Incoming, wanted: () => void) {
    super({ highWaterMark })
    this.#exchange = exchange
    this.#wanted = wanted
  }

  override _read(): void {
    this.#wanted?.()
    this.#wanted = undefined
    if (this.#unacknowledged === 0) return
    this.#exchange.consumed(this.#unacknowledged)
    this.#unacknowledged = 0
  }

  arrived(piece: Uint8Array): void {
    if (this.push(piece)) this.#exchange.consumed(piece.byteLength)
    else this.#unacknowledged += piece.byteLength
  }

  finish(): void {
    this.push(null)
  }
}
