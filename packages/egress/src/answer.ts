import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { Incoming, RequestListener } from '@postern/exchange'
import { type ExchangeFailureCode, endToEndFields, type FieldLines } from '@postern/protocol'
import type { Dispatcher } from 'undici'
import { failureOf } from './failure.ts'
import { tunnel } from './tunnel.ts'

export interface AnswerEvents {
  /** The head of the answer has been sent on. */
  answered(status: number): void
  /** Nothing was sent on: the request may go to another backend, or the exchange fails. */
  failed(code: ExchangeFailureCode, error: Error): void
  /** The exchange is over after an answer; `complete` unless it broke off. */
  over(complete: boolean): void
}

const nothing: ReadonlySet<string> = new Set()
const cancelled = 'the exchange was cancelled'

function linesOf(raw: unknown): string[] {
  return Array.isArray(raw)
    ? raw.map((part: unknown) => (Buffer.isBuffer(part) ? part.toString('latin1') : String(part)))
    : []
}

/** Whether a response has content at all: RFC 9112 section 6.3, rules 1 and 4 to 7. */
function endsAtOnce(method: string, status: number, fields: FieldLines): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return true
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.length === 14 && fields[i + 1] === '0' && fields[i]?.toLowerCase() === 'content-length') return true
  }
  return false
}

/** Turns the backend's answer into frames, as it comes, and pauses the backend while the trunk is full. */
export class Answer implements Dispatcher.DispatchHandler {
  readonly #exchange: Incoming
  readonly #method: string
  readonly #events: AnswerEvents
  readonly #startMs = performance.now()
  #controller: Dispatcher.DispatchController | undefined
  #tunnel: RequestListener | undefined
  #answered = false
  #ended = false

  constructor(exchange: Incoming, method: string, events: AnswerEvents) {
    this.#exchange = exchange
    this.#method = method
    this.#events = events
  }

  /** Where the rest of the request goes once the exchange has become a tunnel. */
  get tunnel(): RequestListener | undefined {
    return this.#tunnel
  }

  /** The exchange was reset from the other side. */
  cancel(): void {
    this.#ended = true
    this.#controller?.abort(new Error(cancelled))
  }

  writable(): void {
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(new Error(cancelled))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const backendUs = Math.round((performance.now() - this.#startMs) * 1000)
    const fields = endToEndFields(linesOf(controller.rawHeaders), nothing)
    if (status < 200) {
      this.#exchange.interim({ status, fields, backendUs, end: false })
      return
    }
    this.#answered = true
    this.#ended = endsAtOnce(this.#method, status, fields)
    this.#exchange.respond({ status, fields, backendUs, end: this.#ended })
    this.#events.answered(status)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#exchange.write(chunk)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#ended) {
      this.#ended = true
      this.#exchange.end(endToEndFields(linesOf(controller.rawTrailers), nothing))
    }
    this.#events.over(true)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#ended) {
      this.#events.over(false)
    } else if (this.#answered) {
      this.#ended = true
      this.#exchange.reset('ABORTED')
      this.#events.over(false)
    } else {
      this.#events.failed(failureOf(error), error)
    }
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController, status: number, _headers: unknown, socket: Duplex): void {
    const backendUs = Math.round((performance.now() - this.#startMs) * 1000)
    const raw = linesOf(controller.rawHeaders)
    this.#answered = true
    this.#ended = true
    this.#tunnel = tunnel(this.#exchange, socket)
    this.#exchange.respond({ status, fields: upgradeFields(raw), backendUs, end: false })
    this.#events.answered(status)
    socket.on('close', () => this.#events.over(true))
  }
}

/** In an answer that upgrades, Upgrade says to what; it is written anew for the client's connection. */
function upgradeFields(raw: FieldLines): string[] {
  const fields = endToEndFields(raw, nothing)
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() === 'upgrade') fields.push('upgrade', raw[i + 1] ?? '')
  }
  return fields
}
