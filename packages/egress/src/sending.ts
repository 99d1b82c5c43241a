import type { Incoming, RequestListener } from '@postern/exchange'
import {
  addressKey,
  type Deadlines,
  type ExchangeFailureCode,
  type FieldLines,
  fieldValue,
  type Log,
  type Meter,
  type Watched,
  withoutFields,
} from '@postern/protocol'
import { Answer, type AnswerEvents, type AnswerInit } from './answer.ts'
import type { Authorized } from './authorize.ts'
import type { Connection } from './backend/connection.ts'
import { backendHead } from './backend/request-head.ts'
import { Gathering } from './gathering.ts'
import type { Backend } from './service.ts'

export interface SendingTools {
  readonly deadlines: Deadlines
  readonly log: Log
  readonly meter: Meter
}

const statusClass = ['', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** An authorized request on its way to a backend, and to the next one where the first has no connection for it. */
export class Sending implements RequestListener, AnswerEvents, Watched {
  deadlineMs = Number.POSITIVE_INFINITY
  place = -1
  readonly #request: Authorized
  readonly #exchange: Incoming
  readonly #tools: SendingTools
  readonly #candidates: Backend[]
  readonly #init: AnswerInit
  readonly #gathering: Gathering
  #backend: Backend
  #answer: Answer
  #connection: Connection | undefined
  /** Octets that the backend's connection has not taken. */
  #waiting = 0
  /** A backend has been asked for a connection. */
  #asked = false
  #inTunnels = false
  /** The answer is whole, or has broken off. */
  #over = false

  /** Throws MALFORMED_REQUEST. */
  constructor(request: Authorized, exchange: Incoming, tools: SendingTools) {
    const { caller, head, permit, service, upgrade } = request
    const fields = withoutFields(head.fields, permit.dropsField)
    if (fields !== head.fields) tools.meter.count('fields_dropped')
    const { answerMs, requestBufferBytes } = service.config
    const { budgetMs, client } = head.context
    this.#request = request
    this.#exchange = exchange
    this.#tools = tools
    const backend = backendHead(fields === head.fields ? head : { ...head, fields })
    this.#gathering = new Gathering(backend.framing, requestBufferBytes)
    this.#init = {
      head: backend,
      method: head.method,
      upgrade,
      answerMs: budgetMs > 0 ? Math.min(budgetMs, answerMs) : answerMs,
      ingress: caller.peer,
      // An IPv4 address is its own key, and most are.
      client: client.includes(':') ? addressKey(client) : client,
      gathering: this.#gathering,
    }
    this.#candidates = service.candidates()
    const [first] = this.#candidates
    if (first === undefined) throw new Error('a service has at least one backend')
    this.#backend = first
    this.#answer = new Answer(this.#init, exchange, this)
  }

  start(): void {
    const { service, upgrade } = this.#request
    if (upgrade !== undefined) {
      if (!service.tunnels.enter()) return this.failed('BUSY', 'too many connections are switched to another protocol')
      this.#inTunnels = true
    }
    if (this.#gathering.enough) return this.#ask()
    const { idleMs, requestBufferMs } = service.config
    this.#allow(this.#gathering.framing === 'chunked' ? requestBufferMs : idleMs)
    this.#tools.deadlines.add(this)
    // Its content is gathered: a client that asks before it sends any may do so (RFC 9110 section 10.1.1).
    if (fieldValue(this.#request.head.fields, 'expect')?.toLowerCase() === '100-continue')
      this.#exchange.interim({ status: 100, fields: [], backendUs: 0, end: false })
  }

  /** Not enough of the content has arrived in time. Where its length is unknown, who asks may wait for an answer first. */
  expire(): void {
    if (this.#gathering.framing === 'chunked') return this.#ask()
    this.#tools.deadlines.delete(this)
    this.failed('REQUEST_TIMEOUT', 'the content did not arrive')
  }

  #allow(ms: number): void {
    this.deadlineMs = performance.now() + ms
  }

  #ask(): void {
    this.#asked = true
    this.#tools.deadlines.delete(this)
    this.#backend.pool.request(this.#answer)
  }

  sent(connection: Connection): void {
    this.#connection = connection
    this.#request.service.took(this.#backend)
    if (this.#gathering.framing === 'none') return
    for (const piece of this.#gathering.take()) this.#pass(connection, piece)
    const { trailers } = this.#gathering
    if (trailers !== undefined) connection.end(trailers)
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
    if ((code === 'BACKEND_REFUSED' || code === 'BUSY') && this.#again(code)) return
    const { head } = this.#request
    this.#end()
    this.#tools.meter.count('exchanges_failed', code)
    if (code === 'BUSY') this.#tools.meter.count('exchanges_busy', head.service)
    // Where there is no room, a line for each would be a flood of its own.
    this.#tools.log[code === 'BUSY' ? 'debug' : 'warn']('exchange failed', {
      requestId: head.context.requestId,
      service: head.service,
      code,
      reason,
    })
    this.#exchange.reset(code)
  }

  /** A backend that took no connection took no content: what has arrived is there for the next one. */
  #again(code: 'BACKEND_REFUSED' | 'BUSY'): boolean {
    if (!this.#asked) return false
    if (code === 'BACKEND_REFUSED') this.#request.service.refused(this.#backend)
    const next = this.#candidates[this.#candidates.indexOf(this.#backend) + 1]
    if (next === undefined) return false
    this.#tools.meter.count('backend_retries')
    this.#backend = next
    this.#answer = new Answer(this.#init, this.#exchange, this)
    this.#ask()
    return true
  }

  over(failure?: ExchangeFailureCode): void {
    this.#end()
    if (failure !== undefined) this.#tools.meter.count('exchanges_aborted', failure)
  }

  #end(): void {
    this.#over = true
    // The rest of the content is for nobody, and has to be let go on to its end.
    this.drained()
    for (const piece of this.#gathering.take()) this.#exchange.consumed(piece.byteLength)
    this.#tools.deadlines.delete(this)
    if (this.#inTunnels) this.#request.service.tunnels.leave()
    this.#inTunnels = false
  }

  body(piece: Uint8Array): void {
    const { tunnelled } = this.#answer
    if (tunnelled !== undefined) return tunnelled.body(piece)
    if (this.#over) return this.#exchange.consumed(piece.byteLength)
    const { whole } = this.#gathering
    this.#gathering.arrived(piece)
    if (this.#connection !== undefined) return this.#pass(this.#connection, piece)
    this.#gathering.keep(piece)
    this.#gathered(whole)
  }

  #pass(connection: Connection, piece: Uint8Array): void {
    if (connection.write(piece)) this.#exchange.consumed(piece.byteLength)
    else this.#waiting += piece.byteLength
  }

  end(trailers: FieldLines): void {
    const { tunnelled } = this.#answer
    const { whole } = this.#gathering
    const kept = withoutFields(trailers, this.#request.permit.dropsTrailer)
    this.#gathering.end(kept)
    if (tunnelled !== undefined) tunnelled.end(kept)
    else if (this.#over) return
    else if (this.#connection !== undefined) this.#connection.end(kept)
    else this.#gathered(whole)
  }

  /** More of the content is there than before, when it was whole or not. */
  #gathered(before: boolean): void {
    if (this.#asked) {
      if (!before && this.#gathering.whole) this.#backend.pool.settle(this.#answer)
    } else if (this.#gathering.enough) this.#ask()
    else if (this.#gathering.framing !== 'chunked') this.#allow(this.#request.service.config.idleMs)
  }

  reset(code: ExchangeFailureCode): void {
    this.#tools.meter.count('exchanges_cancelled')
    this.#end()
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
