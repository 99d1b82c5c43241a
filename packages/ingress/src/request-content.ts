import type { IncomingMessage } from 'node:http'
import type { FieldLines } from '@postern/protocol'
import { requestTrailers } from './headers.ts'

export interface ContentLimits {
  /** Time for the content to arrive, in ms; each `contentBytesPerSecond` octets of it give a second more. */
  readonly contentMs: number
  readonly contentBytesPerSecond: number
}

/** Where content goes. */
export interface ContentTaker {
  /** False asks to wait for `resume`. */
  write(piece: Buffer): boolean
  end(trailers: FieldLines): void
}

/** The content of a request as its client sends it, and the time that it has for that. */
export class RequestContent {
  readonly #request: IncomingMessage
  readonly #limits: ContentLimits
  readonly #taker: ContentTaker
  #bytes = 0
  #begun = false
  #ended = false
  /** When it began, moved on by the time in which nobody took anything. */
  #sinceMs = 0
  #pausedMs: number | undefined

  constructor(request: IncomingMessage, limits: ContentLimits, taker: ContentTaker) {
    this.#request = request
    this.#limits = limits
    this.#taker = taker
  }

  /** Some of it has been handed on, or that there is none: it is not here to be sent again. */
  get sent(): boolean {
    return this.#bytes > 0 || this.#ended
  }

  get ended(): boolean {
    return this.#ended
  }

  /** By when more of it has to be there, by the process's clock; Infinity while nobody waits for it. */
  get dueMs(): number {
    if (!this.#begun || this.#ended || this.#pausedMs !== undefined) return Number.POSITIVE_INFINITY
    return this.#sinceMs + this.#limits.contentMs + (this.#bytes / this.#limits.contentBytesPerSecond) * 1000
  }

  /** Asks for content, from the start or after `pause`. */
  resume(): void {
    if (!this.#begun) this.#begin()
    if (this.#pausedMs !== undefined) this.#sinceMs += performance.now() - this.#pausedMs
    this.#pausedMs = undefined
    this.#request.resume()
  }

  pause(): void {
    if (this.#ended) return
    this.#pausedMs ??= performance.now()
    this.#request.pause()
  }

  #begin(): void {
    this.#begun = true
    this.#sinceMs = performance.now()
    this.#request.on('data', (piece: Buffer) => {
      this.#bytes += piece.byteLength
      if (!this.#taker.write(piece)) this.pause()
    })
    this.#request.on('end', () => {
      this.#ended = true
      this.#taker.end(requestTrailers(this.#request.rawTrailers))
    })
  }
}
