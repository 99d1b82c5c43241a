import { performance } from 'node:perf_hooks'
import type { Incoming, RequestListener } from '@postern/exchange'
import { type ExchangeFailureCode, endToEndFields, type FieldLines } from '@postern/protocol'
import type { Carried, Connection } from './backend/connection.ts'
import type { Wire } from './backend/dial.ts'
import type { BackendRequestHead } from './backend/request-head.ts'
import type { BackendHead } from './backend/response-head.ts'
import type { Gathering } from './gathering.ts'
import { tunnel } from './tunnel.ts'
import { switchesTo, type Upgrade } from './upgrade.ts'

/** The request that is to be answered, in the backend's form. */
export interface AnswerInit {
  readonly head: BackendRequestHead
  readonly method: string
  readonly upgrade: Upgrade | undefined
  readonly answerMs: number
  /** Peer id of the ingress, and what limits count its client by. */
  readonly ingress: string
  readonly client: string
  readonly gathering: Gathering
}

export interface AnswerEvents {
  /** The backend takes the request: its content may follow. */
  sent(connection: Connection): void
  /** The backend takes more content. */
  drained(): void
  /** The head of the answer has been sent on. */
  answered(status: number): void
  /** Nothing was sent on: the request may go to another backend, or the exchange fails. */
  failed(code: ExchangeFailureCode, reason: string): void
  /** The exchange is over after an answer, which broke off where a code says how. */
  over(failure?: ExchangeFailureCode): void
}

/** Turns the backend's answer into frames, as it comes, and pauses the backend while the trunk is full. */
export class Answer implements Carried {
  readonly head: BackendRequestHead
  readonly method: string
  readonly upgrade: boolean
  readonly #asked: Upgrade | undefined
  readonly answerMs: number
  readonly ingress: string
  readonly client: string
  readonly #gathering: Gathering
  readonly #exchange: Incoming
  readonly #events: AnswerEvents
  readonly #startMs = performance.now()
  #connection: Connection | undefined
  #tunnelled: RequestListener | undefined
  #answered = false
  #ended = false

  constructor(init: AnswerInit, exchange: Incoming, events: AnswerEvents) {
    this.head = init.head
    this.method = init.method
    this.upgrade = init.upgrade !== undefined
    this.#asked = init.upgrade
    this.answerMs = init.answerMs
    this.ingress = init.ingress
    this.client = init.client
    this.#gathering = init.gathering
    this.#exchange = exchange
    this.#events = events
  }

  get whole(): boolean {
    return this.#gathering.whole
  }

  get unread(): number {
    return this.#exchange.queued
  }

  /** Where the rest of the request goes once the exchange has become a tunnel. */
  get tunnelled(): RequestListener | undefined {
    return this.#tunnelled
  }

  /** The exchange was reset from the other side. A connection that has served this answer may serve another by now. */
  cancel(): void {
    this.#connection?.abort()
  }

  writable(): void {
    this.#connection?.resume()
  }

  sent(connection: Connection): void {
    this.#connection = connection
    this.#events.sent(connection)
  }

  drained(): void {
    this.#events.drained()
  }

  response(head: BackendHead): void {
    const { framing, status } = head
    const fields = endToEndFields(head.fields)
    const backendUs = this.#elapsedUs()
    if (framing.kind === 'interim') {
      this.#exchange.interim({ status, fields, backendUs, end: false })
      return
    }
    const end = framing.kind === 'none'
    if (!this.#exchange.respond({ status, fields, backendUs, end })) {
      this.#connection?.abort()
      return this.failed('BACKEND_INVALID', 'the head of the answer does not fit into a frame')
    }
    this.#answered = true
    this.#ended = end
    this.#events.answered(status)
  }

  data(piece: Uint8Array): void {
    if (!this.#exchange.write(piece)) this.#connection?.pause()
  }

  end(trailers: FieldLines): void {
    this.#connection = undefined
    if (!this.#ended) this.#exchange.end(endToEndFields(trailers))
    this.#events.over()
  }

  failed(code: ExchangeFailureCode, reason: string): void {
    this.#connection = undefined
    if (!this.#answered) return this.#events.failed(code, reason)
    if (!this.#ended) this.#exchange.reset(code === 'STALLED' ? code : 'ABORTED')
    this.#events.over(code)
  }

  /** In an answer that upgrades, Upgrade says to what; it is written anew for the client's connection. */
  tunnel(head: BackendHead, wire: Wire, early: Buffer): void {
    if (this.#asked === undefined || !switchesTo(this.#asked, head.fields)) {
      wire.socket.destroy()
      return this.failed('BACKEND_INVALID', 'a switch to another protocol than was asked for')
    }
    const fields = [...endToEndFields(head.fields), 'upgrade', this.#asked.protocol]
    if (!this.#exchange.respond({ status: head.status, fields, backendUs: this.#elapsedUs(), end: false })) {
      wire.socket.destroy()
      return this.failed('BACKEND_INVALID', 'the head of the answer does not fit into a frame')
    }
    this.#answered = true
    this.#ended = true
    this.#connection = undefined
    this.#tunnelled = tunnel(this.#exchange, wire)
    this.#events.answered(head.status)
    if (early.length > 0) wire.take(early)
    wire.socket.on('close', () => this.#events.over())
  }

  #elapsedUs(): number {
    return Math.round((performance.now() - this.#startMs) * 1000)
  }
}
