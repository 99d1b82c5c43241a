import type { Socket } from 'node:net'
import { type ExchangeFailureCode, type FieldLines, fieldValue, type Watched } from '@postern/protocol'
import { ContentWriter } from './content-writer.ts'
import type { Wire } from './dial.ts'
import type { Claim, Hold } from './fair-queue.ts'
import type { BackendRequestHead } from './request-head.ts'
import type { BackendHead } from './response-head.ts'
import { ResponseReader } from './response-reader.ts'

/** A request on its way to a backend: what a connection is to know of it, and what it hears in turn. */
export interface Carried extends Claim {
  readonly head: BackendRequestHead
  readonly method: string
  readonly upgrade: boolean
  /** Time for the head of the response, from the last of the content on, in ms. */
  readonly answerMs: number
  /** Octets of the answer that wait to be read from here. */
  readonly unread: number
  /** The head has been sent: content may follow. */
  sent(connection: Connection): void
  response(head: BackendHead): void
  /** Content, which belongs to the hearer from then on. */
  data(piece: Uint8Array): void
  /** The response is whole. Nothing follows. */
  end(trailers: FieldLines): void
  /** The connection is a tunnel from here on, and no longer watched; `early` octets of it are lent. Nothing follows. */
  tunnel(head: BackendHead, wire: Wire, early: Buffer): void
  /** Content may be written again. */
  drained(): void
  /** Nothing follows. */
  failed(code: ExchangeFailureCode, reason: string): void
}

export interface ConnectionOwner {
  /** It takes another request. */
  free(connection: Connection): void
  /** The content of its request is whole. */
  settled(connection: Connection): void
  /** It is no more, or no longer a connection of HTTP. */
  over(connection: Connection): void
}

const keptMs = 30_000
/** A backend closes a kept connection when it has said it would; a request must not meet that. */
const marginMs = 1000

/** One connection to a backend: one request at a time, kept from one to the next while both sides wish (RFC 9112 section 9). */
export class Connection implements Watched {
  deadlineMs = performance.now() + keptMs
  place = -1
  /** The place of its request in the owner's reckoning, which the owner alone writes. */
  hold: Hold | undefined
  readonly #wire: Wire
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #idleMs: number
  readonly #reader: ResponseReader
  #carried: Carried | undefined
  #content: ContentWriter
  #final: BackendHead | undefined
  #ended = true
  #paused = false
  #over = false
  /** What nobody has read of a paused answer, and since when. */
  #unread = 0
  #unreadSinceMs = 0

  constructor(wire: Wire, idleMs: number, owner: ConnectionOwner) {
    const { socket } = wire
    this.#wire = wire
    this.#socket = socket
    this.#idleMs = idleMs
    this.#owner = owner
    this.#content = new ContentWriter(socket, 'none')
    this.#reader = new ResponseReader({
      head: (head) => this.#head(head),
      data: (piece) => {
        this.#allow(this.#idleMs)
        this.#carried?.data(Buffer.from(piece))
      },
      end: (trailers) => {
        this.#ended = true
        this.#carried?.end(trailers)
      },
      malformed: (detail) => this.#fail(this.#final === undefined ? 'BACKEND_INVALID' : 'ABORTED', detail),
    })
    wire.take = (octets) => this.#read(octets)
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener)
  }

  get usable(): boolean {
    return !this.#over && this.#socket.writable
  }

  carry(request: Carried): void {
    this.#carried = request
    this.#final = undefined
    this.#ended = false
    this.#paused = false
    this.#content = new ContentWriter(this.#socket, request.head.framing)
    this.#reader.expect({ head: request.method === 'HEAD', upgrade: request.upgrade })
    this.#allow(request.head.framing === 'none' ? request.answerMs : this.#idleMs)
    this.#socket.write(request.head.text, 'latin1')
    request.sent(this)
  }

  /** Sends content. False asks to wait for `drained`. What was not announced fails the request. */
  write(piece: Uint8Array): boolean {
    if (this.#carried === undefined) return true
    if (!this.#content.takes(piece)) {
      this.#fail('MALFORMED_REQUEST', 'more content than was announced')
      return true
    }
    if (this.#final === undefined) this.#allow(this.#idleMs)
    return this.#content.write(piece)
  }

  end(trailers: FieldLines): void {
    if (this.#carried === undefined) return
    if (this.#final === undefined) this.#allow(this.#carried.answerMs)
    if (!this.#content.end(trailers)) return this.#fail('MALFORMED_REQUEST', 'less content than was announced')
    this.#owner.settled(this)
  }

  pause(): void {
    this.#socket.pause()
    if (this.#paused) return
    this.#paused = true
    this.#unread = this.#carried?.unread ?? 0
    this.#unreadSinceMs = performance.now()
  }

  /** Since when nobody has read anything of its answer, though there is some; Infinity where that is not so. */
  stalledSinceMs(): number {
    if (this.#carried === undefined || !this.#paused) return Number.POSITIVE_INFINITY
    const { unread } = this.#carried
    if (unread < this.#unread) this.#unreadSinceMs = performance.now()
    this.#unread = unread
    return this.#unreadSinceMs
  }

  /** Ends an answer that nobody reads. */
  drop(): void {
    this.#fail('STALLED', 'nobody read the answer while others waited')
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#allow(this.#idleMs)
    this.#socket.resume()
  }

  /** Gives up the request, and the connection with it. */
  abort(): void {
    this.#carried = undefined
    this.#leave()
  }

  expire(): void {
    if (this.#carried === undefined) this.#leave()
    else if (this.#paused) this.#allow(this.#idleMs)
    else this.#fail(this.#final === undefined ? 'BACKEND_TIMEOUT' : 'ABORTED', 'the backend took too long')
  }

  readonly #listeners = {
    drain: () => this.#carried?.drained(),
    end: () => {
      if (this.#carried !== undefined) this.#reader.close()
      this.#lost('the backend closed the connection')
    },
    error: (error: Error) => this.#lost(error.message),
    close: () => this.#lost('the connection is closed'),
  }

  #allow(ms: number): void {
    this.deadlineMs = performance.now() + ms
  }

  #head(head: BackendHead): void {
    if (head.framing.kind !== 'interim') {
      this.#final = head
      this.#allow(this.#idleMs)
    }
    if (head.framing.kind !== 'tunnel') this.#carried?.response(head)
  }

  #read(octets: Buffer): void {
    const read = this.#reader.push(octets)
    const final = this.#final
    if (final?.framing.kind === 'tunnel') return this.#upgrade(final, octets.subarray(read))
    if (!this.#ended) return
    const whole = this.#carried !== undefined && final?.persistent === true && this.#content.ended
    const kept = whole ? keptFor(final.fields) : 0
    // Octets behind the end are an answer to nothing: nobody is to take them for the next one.
    if (kept === 0 || read < octets.length) return this.#leave()
    this.#carried = undefined
    this.#allow(kept)
    if (!this.#paused) return this.#owner.free(this)
    // What has arrived behind the answer was not read while nobody read the answer: two turns read it.
    this.resume()
    this.#allow(kept)
    setImmediate(() => setImmediate(() => this.#freeUnlessOver()))
  }

  #freeUnlessOver(): void {
    if (!this.#over) this.#owner.free(this)
  }

  #upgrade(head: BackendHead, early: Buffer): void {
    const carried = this.#carried
    this.#carried = undefined
    this.#over = true
    this.#owner.over(this)
    if (carried === undefined) {
      this.#socket.destroy()
      return
    }
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener)
    carried.tunnel(head, this.#wire, early)
  }

  #lost(reason: string): void {
    if (this.#carried === undefined || this.#ended) this.#leave()
    else this.#fail(this.#final === undefined ? 'BACKEND_LOST' : 'ABORTED', reason)
  }

  #fail(code: ExchangeFailureCode, reason: string): void {
    const carried = this.#carried
    this.#leave()
    carried?.failed(code, reason)
  }

  #leave(): void {
    this.#carried = undefined
    if (this.#over) return
    this.#over = true
    this.#socket.destroy()
    this.#owner.over(this)
  }
}

/** How long the backend keeps an idle connection, as far as it says so (Keep-Alive: timeout=SECONDS), less a margin. */
function keptFor(fields: FieldLines): number {
  const seconds = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(fieldValue(fields, 'keep-alive') ?? '')?.[1]
  return seconds === undefined ? keptMs : Math.max(0, Math.min(keptMs, Number(seconds) * 1000 - marginMs))
}
