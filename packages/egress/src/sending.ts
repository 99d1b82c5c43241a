import type { Incoming, RequestListener } from '@postern/exchange'
import { type ExchangeFailureCode, type FieldLines, fieldValue, type Log, type Meter } from '@postern/protocol'
import { Answer, type AnswerEvents } from './answer.ts'
import type { Authorized } from './authorize.ts'
import { Content } from './content.ts'
import type { Backend } from './service.ts'

export interface SendingTools {
  readonly log: Log
  readonly meter: Meter
}

/** An authorized request on its way to a backend, and to the next one where the first takes no connection. */
export class Sending implements RequestListener, AnswerEvents {
  readonly #request: Authorized
  readonly #exchange: Incoming
  readonly #tools: SendingTools
  readonly #candidates: Backend[]
  readonly #content: Content | undefined
  #backend: Backend
  #answer: Answer

  constructor(request: Authorized, exchange: Incoming, tools: SendingTools) {
    const { head, service } = request
    this.#request = request
    this.#exchange = exchange
    this.#tools = tools
    this.#content = head.end || head.upgrade ? undefined : contentOf(request, exchange)
    this.#candidates = service.candidates()
    const [first] = this.#candidates
    if (first === undefined) throw new Error('a service has at least one backend')
    this.#backend = first
    this.#answer = new Answer(exchange, head.method, this)
  }

  start(): void {
    this.#backend.pool.dispatch(dispatchOptions(this.#request, this.#content), this.#answer)
  }

  answered(status: number): void {
    this.#tools.meter.count('exchanges_answered', statusClass[Math.floor(status / 100)])
  }

  failed(code: ExchangeFailureCode, error: Error): void {
    if (code === 'BACKEND_REFUSED') {
      const { service } = this.#request
      service.refused(this.#backend)
      const next = this.#candidates[this.#candidates.indexOf(this.#backend) + 1]
      // A backend that took no connection took no content: what has arrived is there for the next one.
      if (next !== undefined && this.#content?.destroyed !== true) {
        this.#tools.meter.count('backend_retries')
        this.#backend = next
        this.#answer = new Answer(this.#exchange, this.#request.head.method, this)
        this.start()
        return
      }
    }
    const { head } = this.#request
    this.#tools.meter.count('exchanges_failed', code)
    this.#tools.log.warn('exchange failed', {
      requestId: head.context.requestId,
      service: head.service,
      code,
      reason: error.message,
    })
    this.#exchange.reset(code)
    this.#content?.destroy()
  }

  over(complete: boolean): void {
    if (!complete) this.#tools.meter.count('exchanges_aborted')
  }

  body(piece: Uint8Array): void {
    const { tunnel } = this.#answer
    if (tunnel !== undefined) tunnel.body(piece)
    else this.#content?.arrived(piece)
  }

  end(trailers: FieldLines): void {
    const { tunnel } = this.#answer
    if (tunnel !== undefined) tunnel.end(trailers)
    else this.#content?.finish()
  }

  reset(code: ExchangeFailureCode): void {
    this.#tools.meter.count('exchanges_cancelled')
    this.#answer.tunnel?.reset(code)
    this.#answer.cancel()
    this.#content?.destroy()
  }

  writable(): void {
    const { tunnel } = this.#answer
    if (tunnel !== undefined) tunnel.writable()
    else this.#answer.writable()
  }
}

const statusClass = ['', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

function contentOf({ head }: Authorized, exchange: Incoming): Content {
  const expects = fieldValue(head.fields, 'expect')?.toLowerCase() === '100-continue'
  const content = new Content(exchange, () => {
    if (expects) exchange.interim({ status: 100, fields: [], backendUs: 0, end: false })
  })
  content.on('error', () => {})
  return content
}

function isNamed(field: string, name: string): boolean {
  return field.length === name.length && field.toLowerCase() === name
}

function dispatchOptions({ head, service }: Authorized, content: Content | undefined) {
  const { fields } = head
  const headers = ['host', head.authority]
  let upgrade: string | null = null
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    const value = fields[i + 1] as string
    if (head.upgrade && isNamed(name, 'upgrade')) upgrade = value
    else if (!isNamed(name, 'expect')) headers.push(name, value)
  }
  const { budgetMs } = head.context
  return {
    path: head.target,
    method: head.method,
    headers,
    body: content ?? null,
    upgrade,
    headersTimeout: budgetMs > 0 ? Math.min(budgetMs, service.config.answerMs) : service.config.answerMs,
  }
}
