import type { ExchangeFailureCode, FieldLines, RequestHead } from '@postern/protocol'
import type { Carried, Connection } from '../src/backend/connection.ts'
import type { Wire } from '../src/backend/dial.ts'
import { backendHead } from '../src/backend/request-head.ts'
import type { BackendHead } from '../src/backend/response-head.ts'
import { requestHead } from './heads.ts'

export interface RecorderInit {
  readonly answerMs?: number
  /** Pauses the connection at every piece of content, of which nothing is read. */
  readonly pauses?: boolean
  readonly ingress?: string
  readonly client?: string
  /** Whether all of the content is there; it is unless said otherwise. */
  readonly whole?: boolean
}

/** A request, and what it has heard, as lines of a play: `response 200`, `data ok`, `end`. */
export class Recorder implements Carried {
  readonly head
  readonly method: string
  readonly upgrade: boolean
  readonly answerMs: number
  readonly ingress: string
  readonly client: string
  whole: boolean
  readonly heard: string[] = []
  /** Octets of content heard. */
  bytes = 0
  reason = ''
  readonly #pauses: boolean
  readonly #sent = Promise.withResolvers<Connection>()
  readonly #answered = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  readonly #tunnelled = Promise.withResolvers<Buffer>()
  readonly #drained = Promise.withResolvers<void>()
  #connection: Connection | undefined

  constructor(head: Partial<RequestHead> = {}, init: RecorderInit = {}) {
    const whole = requestHead(head)
    this.head = backendHead(whole)
    this.method = whole.method
    this.upgrade = whole.upgrade
    this.answerMs = init.answerMs ?? 10_000
    this.ingress = init.ingress ?? 'ingress'
    this.client = init.client ?? 'client'
    this.whole = init.whole ?? true
    this.#pauses = init.pauses ?? false
  }

  get unread(): number {
    return this.#pauses ? this.bytes : 0
  }

  /** The connection that carries it. */
  get carrier(): Promise<Connection> {
    return this.#sent.promise
  }

  /** The first content of the answer is there. */
  get answered(): Promise<void> {
    return this.#answered.promise
  }

  get over(): Promise<void> {
    return this.#over.promise
  }

  /** The first octets of the tunnel, which sends back `pong`. */
  get tunnelled(): Promise<Buffer> {
    return this.#tunnelled.promise
  }

  get writable(): Promise<void> {
    return this.#drained.promise
  }

  sent(connection: Connection): void {
    this.#connection = connection
    this.#sent.resolve(connection)
  }

  response({ status }: BackendHead): void {
    this.heard.push(`response ${status}`)
  }

  data(piece: Uint8Array): void {
    this.bytes += piece.byteLength
    const text = Buffer.from(piece).toString('latin1')
    const last = this.heard.length - 1
    if (this.heard[last]?.startsWith('data ')) this.heard[last] += text
    else this.heard.push(`data ${text}`)
    if (this.#pauses) this.#connection?.pause()
    this.#answered.resolve()
  }

  end(trailers: FieldLines): void {
    this.heard.push(['end', ...trailers].join(' '))
    this.#over.resolve()
  }

  tunnel({ status }: BackendHead, wire: Wire, early: Buffer): void {
    this.heard.push(`tunnel ${status}`)
    wire.socket.on('error', () => {})
    wire.take = (octets) => {
      wire.socket.write('pong')
      this.#tunnelled.resolve(Buffer.from(octets))
    }
    if (early.length > 0) wire.take(early)
  }

  drained(): void {
    this.#drained.resolve()
  }

  failed(code: ExchangeFailureCode, reason: string): void {
    this.heard.push(`failed ${code}`)
    this.reason = reason
    this.#over.resolve()
  }
}
