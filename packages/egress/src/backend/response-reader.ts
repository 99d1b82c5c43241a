import type { FieldLines } from '@postern/protocol'
import { type Asked, type BackendHead, type Framing, readFieldLines, readHead } from './response-head.ts'

/** What a reader finds, in order. */
export interface ResponseSink {
  /** A head; after a final one its content follows, and then its end. */
  head(head: BackendHead): void
  data(piece: Uint8Array): void
  end(trailers: FieldLines): void
  /** The octets are no response to the request. Nothing follows. */
  malformed(detail: string): void
}

const maxHeadBytes = 32 * 1024
/** A chunk's size with its extensions. */
const maxLineBytes = 1024
const headEnd = '\r\n\r\n'
const lineEnd = '\r\n'
/** Sixteen hexadecimal digits less three: what a number can hold. */
const chunkSize = /^([0-9a-fA-F]{1,13})[\t ]*(?:;.*)?$/
/** A step answers with where the next one begins, or that more octets are needed. */
const more = -1

type Step = 'head' | 'sized' | 'chunk' | 'chunked' | 'chunkEnd' | 'trailers' | 'untilClose' | 'over'

/**
 * Reads one HTTP/1.1 response after another off a connection (RFC 9112 sections 4 to 7) as a pure machine. Keeps nothing
 * of the octets that it is given. Content is passed on as it stands there, without a copy; a head beyond 32 KiB is refused. Never throws on input.
 */
export class ResponseReader {
  readonly #sink: ResponseSink
  #asked: Asked = { head: false, upgrade: false }
  #step: Step = 'over'
  /** Octets of the content, or of the chunk, that are still to come. */
  #missing = 0
  /** The start of a head or line that is not whole yet. */
  #rest: Buffer | undefined

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  /** The next response is one to this request. */
  expect(asked: Asked): void {
    this.#asked = asked
    this.#step = 'head'
    this.#rest = undefined
  }

  /** Answers with how many of the octets were read: fewer than there are only where a tunnel begins, or after an error. */
  push(octets: Buffer): number {
    const before = this.#rest?.length ?? 0
    const all = this.#rest === undefined ? octets : Buffer.concat([this.#rest, octets])
    this.#rest = undefined
    let at = 0
    while (at < all.length && this.#step !== 'over') {
      const next = this.#steps[this.#step](all, at)
      if (next === more) {
        this.#rest = Buffer.from(all.subarray(at))
        return octets.length
      }
      at = next
    }
    return at - before
  }

  /** The connection is over; answers whether that ended the response as it should. */
  close(): boolean {
    if (this.#step !== 'untilClose') return false
    this.#end([])
    return true
  }

  #end(trailers: FieldLines): void {
    this.#step = 'over'
    this.#sink.end(trailers)
  }

  #fail(detail: string, octets: Buffer): number {
    this.#step = 'over'
    this.#sink.malformed(detail)
    return octets.length
  }

  readonly #steps: Readonly<Record<Exclude<Step, 'over'>, (octets: Buffer, at: number) => number>> = {
    head: (octets, at) => {
      const end = octets.indexOf(headEnd, at)
      if ((end < 0 ? octets.length - (headEnd.length - 1) : end) - at > maxHeadBytes)
        return this.#fail('a head beyond 32 KiB', octets)
      if (end < 0) return more
      const head = readHead(octets.toString('latin1', at, end), this.#asked)
      if (typeof head === 'string') return this.#fail(head, octets)
      this.#begin(head.framing)
      this.#sink.head(head)
      if (head.framing.kind === 'none' && this.#step !== 'over') this.#end([])
      return end + headEnd.length
    },
    sized: (octets, at) => this.#content(octets, at, () => this.#end([])),
    chunk: (octets, at) => {
      const end = octets.indexOf(lineEnd, at)
      if (end < 0)
        return octets.length - (lineEnd.length - 1) - at > maxLineBytes
          ? this.#fail('a chunk without end', octets)
          : more
      const size = end - at > maxLineBytes ? undefined : chunkSize.exec(octets.toString('latin1', at, end))?.[1]
      if (size === undefined) return this.#fail('a chunk without size', octets)
      this.#missing = Number.parseInt(size, 16)
      this.#step = this.#missing === 0 ? 'trailers' : 'chunked'
      return end + lineEnd.length
    },
    chunked: (octets, at) =>
      this.#content(octets, at, () => {
        this.#step = 'chunkEnd'
      }),
    chunkEnd: (octets, at) => {
      if (octets.length - at < lineEnd.length) return more
      if (octets.toString('latin1', at, at + lineEnd.length) !== lineEnd) {
        return this.#fail('a chunk longer than its size', octets)
      }
      this.#step = 'chunk'
      return at + lineEnd.length
    },
    trailers: (octets, at) => {
      const none = octets.indexOf(lineEnd, at) === at
      const end = none ? at : octets.indexOf(headEnd, at)
      if ((end < 0 ? octets.length - (headEnd.length - 1) : end) - at > maxHeadBytes)
        return this.#fail('trailers beyond 32 KiB', octets)
      if (end < 0) return more
      const trailers = none ? [] : readFieldLines(octets.toString('latin1', at, end))
      if (typeof trailers === 'string') return this.#fail(trailers, octets)
      this.#end(trailers)
      return end + (none ? lineEnd : headEnd).length
    },
    untilClose: (octets, at) => {
      this.#sink.data(at === 0 ? octets : octets.subarray(at))
      return octets.length
    },
  }

  /** An interim response leaves the step where it is: another head follows. */
  #begin(framing: Framing): void {
    if (framing.kind === 'sized') this.#missing = framing.bytes
    this.#step = nextStep[framing.kind]
  }

  #content(octets: Buffer, at: number, whole: () => void): number {
    const size = Math.min(this.#missing, octets.length - at)
    this.#missing -= size
    this.#sink.data(octets.subarray(at, at + size))
    if (this.#missing === 0 && this.#step !== 'over') whole()
    return at + size
  }
}

const nextStep: Readonly<Record<Framing['kind'], Step>> = {
  interim: 'head',
  none: 'head',
  sized: 'sized',
  chunked: 'chunk',
  untilClose: 'untilClose',
  tunnel: 'over',
}
