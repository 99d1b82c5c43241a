import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange, ResponseListener } from '@postern/exchange'
import {
  atEndOfTurn,
  type ExchangeFailureCode,
  exchangeFailureOf,
  type FieldLines,
  type RequestHead,
  type ResponseHead,
  rank,
  type Trunk,
  type Watched,
} from '@postern/protocol'
import type { Asking } from './admission.ts'
import { Announced } from './announced.ts'
import type { CallInit, CallTools } from './call-tools.ts'
import { pairsOf, responseFields } from './headers.ts'
import { interimTo } from './interim.ts'
import type { Pipelined, Pipelining } from './pipelining.ts'
import { problemOf } from './problem.ts'
import { RequestContent } from './request-content.ts'
import { mayRetry } from './retry.ts'
import type { RouteConfig } from './schema.ts'
import type { OpenTrunk } from './trunk-table.ts'

/** Content up to this size may wait for the end of the turn. */
const heldBytes = 4096

/** How long a request waits for a trunk where none is open. */
export const trunkWaitMs = 8000

/** One request of a client and its answer: sends it over a trunk, over another where that is safe, and streams both ways. */
export class Call implements ResponseListener, Watched, Pipelined {
  deadlineMs = never
  place = -1
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #head: RequestHead
  readonly #route: RouteConfig
  readonly #tools: CallTools
  #startMs = 0
  readonly #announced = new Announced()
  readonly #content: RequestContent | undefined
  readonly #pipelining: Pipelining
  readonly #asking: Asking
  #entered = false
  #exchange: Exchange | undefined
  #trunk: Trunk | undefined
  #tried: Set<Trunk> = noTrunks
  #attempts = 0
  #answered = false
  #over = false
  /** Octets given to the client's socket that it has not taken. */
  #waiting = 0
  #flushed = false
  /** The first of the content, kept until the end of the turn: with the end behind it, all of an answer is one write. */
  #held: Uint8Array | undefined

  constructor({ client, head, pipelining, request, response, route }: CallInit, tools: CallTools) {
    this.#request = request
    this.#response = response
    this.#head = head
    this.#route = route
    this.#tools = tools
    this.#pipelining = pipelining
    this.#asking = { client, service: head.service, upgrade: false }
    if (!head.end) {
      this.#content = new RequestContent(request, tools.content, {
        write: (piece) => this.#write(piece),
        end: (trailers) => {
          this.#allow(this.#answered ? tools.idleMs : route.answerMs)
          this.#exchange?.end(trailers)
        },
      })
    }
  }

  start(): void {
    this.#response.on('close', () => this.gone())
    const refused = this.#tools.admission.enter(this.#asking)
    if (refused !== undefined) return this.#fail(refused)
    this.#entered = true
    this.#startMs = performance.now()
    this.#allow(this.#route.answerMs)
    this.#tools.deadlines.add(this)
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
    this.writable()
  }

  /** A client that still sends is not waiting: the time for an answer counts from the end of its content. */
  #write(piece: Buffer): boolean {
    const more = this.#exchange?.write(piece) !== false
    // While nobody takes any, the client is not late.
    if (!more) this.#content?.pause()
    this.#allow(this.#tools.idleMs)
    return more
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
    if (this.#content === undefined) return
    this.#content.resume()
    this.#allow(this.#tools.idleMs)
  }

  reset(code: ExchangeFailureCode): void {
    this.#exchange = undefined
    if (this.#over) return
    const sent = { method: this.#head.method, content: this.#content?.sent === true, attempts: this.#attempts }
    if (this.#answered || !mayRetry(code, sent)) return this.#fail(code)
    this.#tools.meter.count('requests_retried', code)
    if (this.#trunk !== undefined) this.#tried = new Set([...this.#tried, this.#trunk])
    // What arrives meanwhile waits in the client's socket.
    this.#content?.pause()
    this.#attempt()
  }

  expire(): void {
    if (this.#over) return
    const late = this.#exchange === undefined ? 'SERVICE_UNREACHABLE' : 'BACKEND_TIMEOUT'
    this.#exchange?.reset('CANCELLED')
    this.#fail(this.#request.complete ? late : 'REQUEST_TIMEOUT')
  }

  #allow(ms: number): void {
    this.deadlineMs = Math.min(performance.now() + ms, this.#answered ? never : (this.#content?.dueMs ?? never))
  }

  #fail(code: ExchangeFailureCode): void {
    if (this.#over) return
    const { requestId } = this.#head.context
    this.#tools.meter.count('requests_failed', code)
    // Where there is no room, a line for each would be a flood of its own.
    const level = code === 'CLIENT_BUSY' || code === 'BUSY' ? 'debug' : 'info'
    this.#tools.log[level]('request failed', { requestId, service: this.#route.service, code })
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
    if (this.#content?.ended === false || (this.#exchange?.queued ?? 0) > 0) this.#exchange?.reset('CANCELLED')
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

  /** The answer has left, or the client has. */
  gone(): void {
    if (this.#entered) this.#tools.admission.leave(this.#asking)
    this.#entered = false
    this.#pipelining.leave(this)
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

const never = Number.POSITIVE_INFINITY
const noTrunks: Set<Trunk> = new Set()
