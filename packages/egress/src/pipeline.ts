import { type Incoming, type RequestListener, Responder } from '@postern/exchange'
import {
  type Caller,
  type Clock,
  type ExchangeFailureCode,
  exchangeFailureOf,
  type Fields,
  fieldValue,
  type Log,
  type Meter,
  type Offer,
  type Pipe,
  type RequestHead,
} from '@postern/protocol'
import { Answer } from './answer.ts'
import { type Authorized, authorize } from './authorize.ts'
import { Content } from './content.ts'
import type { EgressConfig } from './schema.ts'
import { type Backend, Service } from './service.ts'

export interface EgressInit {
  readonly config: EgressConfig
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** The side of the mesh that stands beside the backend. */
export interface Egress extends Offer {
  /** Exchanges under way. */
  readonly exchanges: number
  describe(): Array<{ service: string; backends: Array<{ origin: string; up: boolean }> }>
  /** Takes no further exchange on any trunk; what is under way goes on. */
  drain(): void
  close(): Promise<void>
}

/** The life of a request here: authorize its ingress and itself, choose a backend, send it on, send the answer back. */
export function createEgress(init: EgressInit): Egress {
  const { clock, config, log, meter } = init
  const services = new Map(
    Object.entries(config.services).map(([name, each]) => [name, new Service(name, each, clock)]),
  )
  const responders = new Set<Responder>()
  const serve = (caller: Caller, exchange: Incoming, head: RequestHead): RequestListener => {
    try {
      return send(authorize(caller, head, services), exchange, { clock, log, meter })
    } catch (error) {
      const code = exchangeFailureOf(error)
      meter.count('exchanges_refused', code)
      log.info('exchange refused', {
        requestId: head.context.requestId,
        service: head.service,
        peer: caller.peer,
        code,
      })
      exchange.reset(code)
      return deaf
    }
  }
  return {
    services: [...services.keys()],
    get exchanges() {
      return [...responders].reduce((sum, responder) => sum + responder.size, 0)
    },
    describe: () => [...services.values()].map((service) => ({ service: service.name, backends: service.describe() })),
    accept(pipe: Pipe, caller: Caller) {
      const responder = new Responder(pipe, {
        accept: (exchange, head) => serve(caller, exchange, head),
        violation: (detail) => {
          meter.count('trunk_violations')
          log.warn('trunk violated', { peer: caller.peer, code: 'PROTOCOL_VIOLATION', detail })
        },
      })
      responders.add(responder)
      void responder.closed.then(() => responders.delete(responder))
    },
    drain() {
      for (const responder of responders) responder.drain()
    },
    async close() {
      for (const responder of responders) responder.close()
      await Promise.all([...services.values()].map((service) => service.close()))
    },
  }
}

/** Hears nothing: the exchange is over. */
const deaf: RequestListener = { body() {}, end() {}, reset() {}, writable() {} }

type Tools = Pick<EgressInit, 'clock' | 'log' | 'meter'>

function send(request: Authorized, exchange: Incoming, tools: Tools): RequestListener {
  const { head, service } = request
  const { log, meter } = tools
  const candidates = service.candidates()
  let content = head.end || head.upgrade ? undefined : newContent(exchange, head)
  let answer: Answer
  const said: Fields = { requestId: head.context.requestId, service: service.name }

  const fail = (code: ExchangeFailureCode, error: Error) => {
    meter.count('exchanges_failed', code)
    log.warn('exchange failed', { ...said, code, reason: error.message })
    exchange.reset(code)
    content?.destroy()
  }
  const attempt = (backend: Backend) => {
    answer = new Answer(exchange, head.method, {
      answered: (status, backendUs) => {
        meter.count('exchanges_answered', `${Math.floor(status / 100)}xx`)
        log.debug('exchange answered', { ...said, status, backendUs })
      },
      failed: (code, error) => {
        if (code === 'BACKEND_REFUSED') service.refused(backend)
        const next = code === 'BACKEND_REFUSED' ? candidates.shift() : undefined
        if (next === undefined) return fail(code, error)
        // A backend that took no connection took no content: what has arrived is kept for the next one.
        meter.count('backend_retries')
        if (content?.destroyed === true) return fail(code, error)
        attempt(next)
      },
      over: (complete) => {
        if (!complete) meter.count('exchanges_aborted')
      },
    })
    backend.pool.dispatch(dispatchOptions(request, content), answer)
  }
  const first = candidates.shift()
  if (first === undefined) throw new Error('a service has at least one backend')
  attempt(first)

  return {
    body(piece) {
      const tunnel = answer.tunnel
      if (tunnel !== undefined) tunnel.body(piece)
      else content?.arrived(piece)
    },
    end(trailers) {
      const tunnel = answer.tunnel
      if (tunnel !== undefined) tunnel.end(trailers)
      else content?.finish()
    },
    reset(code) {
      meter.count('exchanges_cancelled')
      log.debug('exchange cancelled', { ...said, code })
      answer.tunnel?.reset(code)
      answer.cancel()
      content?.destroy()
      content = undefined
    },
    writable() {
      const tunnel = answer.tunnel
      if (tunnel !== undefined) tunnel.writable()
      else answer.writable()
    },
  }
}

function newContent(exchange: Incoming, head: RequestHead): Content {
  const expects = fieldValue(head.fields, 'expect')?.toLowerCase() === '100-continue'
  const content = new Content(exchange, () => {
    if (expects) exchange.interim({ status: 100, fields: [], backendUs: 0, end: false })
  })
  content.on('error', () => {})
  return content
}

function dispatchOptions({ head, service }: Authorized, content: Content | undefined) {
  const headers = ['host', head.authority]
  let upgrade: string | undefined
  for (let i = 0; i + 1 < head.fields.length; i += 2) {
    const name = head.fields[i] as string
    const value = head.fields[i + 1] as string
    if (head.upgrade && name.toLowerCase() === 'upgrade') upgrade = value
    else if (name.toLowerCase() !== 'expect') headers.push(name, value)
  }
  const budgetMs = head.context.budgetMs
  return {
    path: head.target,
    method: head.method,
    headers,
    body: content ?? null,
    upgrade: upgrade ?? null,
    headersTimeout: budgetMs > 0 ? Math.min(budgetMs, service.config.answerMs) : service.config.answerMs,
    // The trunk carries many exchanges: a backend that is slow to one must not hold up another behind it.
    blocking: true,
  }
}
