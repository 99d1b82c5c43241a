import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange, ResponseListener } from '@postern/exchange'
import {
  atEndOfTurn,
  type Deadlines,
  type ExchangeFailureCode,
  exchangeFailureOf,
  type FieldLines,
  type Log,
  type Meter,
  type RequestHead,
  type ResponseHead,
  rank,
  type Trunk,
  type Watched,
} from '@postern/protocol'
import { Announced } from './announced.ts'
import { requestTrailers, responseFields } from './headers.ts'
import { interimTo } from './interim.ts'
import { problemOf } from './problem.ts'
import { mayRetry } from './retry.ts'
import type { RouteConfig } from './schema.ts'
import type { OpenTrunk, TrunkTable } from './trunk-table.ts'

export interface CallTools {
  readonly table: TrunkTable
  readonly deadlines: Deadlines
  readonly log: Log
  readonly meter: Meter
  readonly idleMs: number
  readonly serverTiming: boolean
  readonly requestId: boolean
}

/** Content up to this size may wait for the end of the turn. */
const heldBytes = 4096

/** How long a request waits for a trunk where none is open. */
export const trunkWaitMs = 8000

/** One request of a client and its answer: sends it over a trunk, over another where that is safe, and streams both ways. */
export class Call implements ResponseListener, Watched {
  deadlineMs: number
  place = -1
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #head: RequestHead
  readonly #route: RouteConfig
  readonly #tools: CallTools
  readonly #startMs = performance.now()
  readonly #announced = new Announced()
  #exchange: Exchange | undefined
  #trunk: Trunk | undefined
  #tried: Set<Trunk> = noTrunks
  #attempts = 0
  #contentSent = false
  #streaming = false
  #answered = false
  #over = false
  /** Octets given to the client's socket that it has not taken. */
  #waiting = 0
  #flushed = false
  /** The first of the content, kept until the end of the turn: with the end behind it, all of an answer is one write. */
  #held: Uint8Array | undefined

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    route: RouteConfig,
    tools: CallTools,
  ) {
    this.#request = request
    this.#response = response
    this.#head = head
    this.#route = route
    this.#tools = tools
    this.deadlineMs = this.#startMs + route.answerMs
  }

  start(): void {
    this.#tools.deadlines.add(this)
    this.#response.on('close', () => this.#clientGone())
    this.#attempt()
  }

  #attempt(): void {
    this.#attempts += 1
    const { service } = this.#head
    try {
      const open = this.#tools.table.get(service, { waitMs: trunkWaitMs, not: this.#tried })
      if (open instanceof Promise)
        open.then(
          (late) => this.#send(late),
          (error: unknown) => this.#fail(exchangeFailureOf(error)),
        )
      else this.#send(open)
    } catch (error) {
      this.#fail(exchangeFailureOf(error))
    }
  }

  #send({ trunk, initiator }: OpenTrunk): void {
    if (this.#over) return
    this.#trunk = trunk
    try {
      this.#exchange = initiator.open(this.#head, this)
    } catch (error) {
      return this.reset(exchangeFailureOf(error))
    }
    if (this.#head.end) return
    // A first attempt may have failed before the content was asked for.
    if (!this.#streaming) this.#streamContent()
    this.#request.resume()
  }

  #streamContent(): void {
    this.#streaming = true
    this.#request.on('data', (chunk: Buffer) => {
      this.#contentSent = true
      // A client that still sends is not waiting: the time for an answer counts from the end of its content.
      this.#allow(this.#tools.idleMs)
      if (this.#exchange?.write(chunk) === false) this.#request.pause()
    })
    this.#request.on('end', () => {
      this.#contentSent = true
      this.#allow(this.#answered ? this.#tools.idleMs : this.#route.answerMs)
      this.#exchange?.end(requestTrailers(this.#request.rawTrailers))
    })
  }

  interim(head: ResponseHead): void {
    interimTo(this.#response, head)
  }

  response(head: ResponseHead): void {
    // Nobody has asked for another protocol.
    if (head.status === 101 || !this.#announced.take(head, this.#head.method)) return this.#refuse()
    const { requestId, serverTiming } = this.#tools
    this.#answered = true
    this.#allow(this.#tools.idleMs)
    this.#response.writeHead(
      head.status,
      responseFields(head, {
        requestId: requestId ? this.#head.context.requestId : undefined,
        totalMs: serverTiming ? performance.now() - this.#startMs : undefined,
      }),
    )
    if (head.end) this.#finish()
    else atEndOfTurn(rank.trunk, () => this.#flush())
  }

  /** An egress that sends what no answer can be. */
  #refuse(): void {
    this.#exchange?.reset('CANCELLED')
    this.#fail('BACKEND_INVALID')
  }

  /** An answer whose content is yet to come shows its head, and what there is, at once. */
  #flush(): void {
    if (this.#flushed || this.#over) return
    this.#flushed = true
    if (this.#held === undefined) this.#response.flushHeaders()
    else this.#pass(this.#held)
    this.#held = undefined
  }

  body(piece: Uint8Array): void {
    if (!this.#announced.allows(piece.byteLength)) return this.#refuse()
    if (this.#flushed) return this.#pass(piece)
    if (this.#held === undefined && piece.byteLength <= heldBytes) {
      this.#held = piece
      return
    }
    if (this.#held !== undefined) this.#flush()
    this.#flushed = true
    this.#pass(piece)
  }

  #pass(piece: Uint8Array): void {
    this.#allow(this.#tools.idleMs)
    if (this.#response.write(piece)) {
      this.#exchange?.consumed(piece.byteLength)
      return
    }
    if (this.#waiting === 0) this.#response.once('drain', () => this.#drained())
    this.#waiting += piece.byteLength
  }

  #drained(): void {
    this.#allow(this.#tools.idleMs)
    const taken = this.#waiting
    this.#waiting = 0
    this.#exchange?.consumed(taken)
  }

  end(trailers: FieldLines): void {
    if (!this.#announced.complete) return this.#refuse()
    if (trailers.length > 0) {
      this.#flush()
      this.#response.addTrailers(pairsOf(trailers))
    }
    this.#finish()
  }

  writable(): void {
    this.#request.resume()
  }

  reset(code: ExchangeFailureCode): void {
    this.#exchange = undefined
    if (this.#over) return
    const sent = { method: this.#head.method, content: this.#contentSent, attempts: this.#attempts }
    if (this.#answered || !mayRetry(code, sent)) return this.#fail(code)
    this.#tools.meter.count('requests_retried', code)
    if (this.#trunk !== undefined) this.#tried = new Set([...this.#tried, this.#trunk])
    // What arrives meanwhile waits in the client's socket.
    if (!this.#head.end) this.#request.pause()
    this.#attempt()
  }

  expire(): void {
    if (this.#over) return
    const late = this.#exchange === undefined ? 'SERVICE_UNREACHABLE' : 'BACKEND_TIMEOUT'
    this.#exchange?.reset('CANCELLED')
    this.#fail(this.#request.complete ? late : 'REQUEST_TIMEOUT')
  }

  #allow(ms: number): void {
    this.deadlineMs = performance.now() + ms
  }

  #fail(code: ExchangeFailureCode): void {
    if (this.#over) return
    const { requestId } = this.#head.context
    this.#tools.meter.count('requests_failed', code)
    this.#tools.log.info('request failed', { requestId, service: this.#route.service, code })
    this.#leave()
    if (this.#response.headersSent) {
      this.#response.destroy()
      return
    }
    const problem = problemOf(code, requestId)
    if (!this.#request.complete) this.#response.shouldKeepAlive = false
    this.#response.writeHead(problem.status, problem.fields)
    this.#response.end(problem.body)
  }

  #finish(): void {
    this.#tools.meter.count('requests_answered')
    // A client still sending, after its answer, is let finish: the connection is good for the next request then.
    if (!this.#request.complete) this.#exchange?.reset('CANCELLED')
    this.#leave()
    if (this.#held === undefined) this.#response.end()
    // node:http joins a head with text, not with octets; latin1 text is the octets as they are.
    else this.#response.end(latin1(this.#held), 'latin1')
  }

  #leave(): void {
    this.#over = true
    this.#tools.deadlines.delete(this)
    if (!this.#request.complete) this.#request.resume()
  }

  #clientGone(): void {
    if (this.#over) return
    this.#tools.meter.count('requests_cancelled')
    this.#tools.log.debug('request cancelled', { requestId: this.#head.context.requestId })
    this.#leave()
    this.#exchange?.reset('CANCELLED')
  }
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1')
}

const noTrunks: Set<Trunk> = new Set()

function pairsOf(lines: FieldLines): Array<[string, string]> {
  const pairs: Array<[string, string]> = []
  for (let i = 0; i + 1 < lines.length; i += 2) pairs.push([lines[i] ?? '', lines[i + 1] ?? ''])
  return pairs
}
