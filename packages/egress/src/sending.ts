import type { Incoming, RequestListener } from '@postern/exchange'
import { type ExchangeFailureCode, type FieldLines, fieldValue, type Log, type Meter } from '@postern/protocol'
import { Answer, type AnswerEvents, type AnswerInit } from './answer.ts'
import type { Authorized } from './authorize.ts'
import type { Connection } from './backend/connection.ts'
import { backendHead } from './backend/request-head.ts'
import type { Backend } from './service.ts'

export interface SendingTools {
  readonly log: Log
  readonly meter: Meter
}

const statusClass = ['', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** An authorized request on its way to a backend, and to the next one where the first takes no connection. */
export class Sending implements RequestListener, AnswerEvents {
  readonly #request: Authorized
  readonly #exchange: Incoming
  readonly #tools: SendingTools
  readonly #candidates: Backend[]
  readonly #init: AnswerInit
  #backend: Backend
  #answer: Answer
  #connection: Connection | undefined
  /** Content that arrived before a backend took the request: within the exchange's first credit. */
  #early: Uint8Array[] = []
  #trailers: FieldLines | undefined
  /** Octets that the backend's connection has not taken. */
  #waiting = 0
  /** The answer is whole, or has broken off. */
  #over = false

  /** Throws MALFORMED_REQUEST. */
  constructor(request: Authorized, exchange: Incoming, tools: SendingTools) {
    const { head, service, upgrade } = request
    const { answerMs } = service.config
    const { budgetMs } = head.context
    this.#request = request
    this.#exchange = exchange
    this.#tools = tools
    this.#init = {
      head: backendHead(head),
      method: head.method,
      upgrade,
      answerMs: budgetMs > 0 ? Math.min(budgetMs, answerMs) : answerMs,
    }
    this.#candidates = service.candidates()
    const [first] = this.#candidates
    if (first === undefined) throw new Error('a service has at least one backend')
    this.#backend = first
    this.#answer = new Answer(this.#init, exchange, this)
  }

  start(): void {
    this.#backend.pool.request(this.#answer)
  }

  sent(connection: Connection): void {
    this.#connection = connection
    this.#request.service.took(this.#backend)
    if (this.#init.head.framing === 'none') return
    // The backend is there: a client that asks before it sends content may do so now (RFC 9110 section 10.1.1).
    if (fieldValue(this.#request.head.fields, 'expect')?.toLowerCase() === '100-continue')
      this.#exchange.interim({ status: 100, fields: [], backendUs: 0, end: false })
    const early = this.#early
    this.#early = []
    for (const piece of early) this.#pass(connection, piece)
    if (this.#trailers !== undefined) connection.end(this.#trailers)
  }

  drained(): void {
    const taken = this.#waiting
    this.#waiting = 0
    if (taken > 0) this.#exchange.consumed(taken)
  }

  answered(status: number): void {
    this.#tools.meter.count('exchanges_answered', statusClass[Math.floor(status / 100)])
  }

  failed(code: ExchangeFailureCode, reason: string): void {
    if (code === 'BACKEND_REFUSED' && this.#again()) return
    const { head } = this.#request
    this.#tools.meter.count('exchanges_failed', code)
    this.#tools.log.warn('exchange failed', {
      requestId: head.context.requestId,
      service: head.service,
      code,
      reason,
    })
    this.#exchange.reset(code)
  }

  /** A backend that took no connection took no content: what has arrived is there for the next one. */
  #again(): boolean {
    this.#request.service.refused(this.#backend)
    const next = this.#candidates[this.#candidates.indexOf(this.#backend) + 1]
    if (next === undefined) return false
    this.#tools.meter.count('backend_retries')
    this.#backend = next
    this.#answer = new Answer(this.#init, this.#exchange, this)
    this.start()
    return true
  }

  over(complete: boolean): void {
    this.#over = true
    if (!complete) this.#tools.meter.count('exchanges_aborted')
  }

  body(piece: Uint8Array): void {
    const { tunnelled } = this.#answer
    if (tunnelled !== undefined) tunnelled.body(piece)
    else if (this.#over) this.#exchange.consumed(piece.byteLength)
    else if (this.#connection === undefined) this.#early.push(piece)
    else this.#pass(this.#connection, piece)
  }

  #pass(connection: Connection, piece: Uint8Array): void {
    if (connection.write(piece)) this.#exchange.consumed(piece.byteLength)
    else this.#waiting += piece.byteLength
  }

  end(trailers: FieldLines): void {
    const { tunnelled } = this.#answer
    this.#trailers = trailers
    if (tunnelled !== undefined) tunnelled.end(trailers)
    else if (!this.#over) this.#connection?.end(trailers)
  }

  reset(code: ExchangeFailureCode): void {
    this.#tools.meter.count('exchanges_cancelled')
    this.#answer.tunnelled?.reset(code)
    this.#answer.cancel()
    this.#backend.pool.forget(this.#answer)
  }

  writable(): void {
    const { tunnelled } = this.#answer
    if (tunnelled !== undefined) tunnelled.writable()
    else this.#answer.writable()
  }
}
