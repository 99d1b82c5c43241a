import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Exchange, ResponseListener } from '@postern/exchange'
import {
  type ExchangeFailureCode,
  exchangeFailureOf,
  type RequestHead,
  type ResponseHead,
  type Trunk,
  type Watched,
} from '@postern/protocol'
import { trunkWaitMs } from './call.ts'
import type { CallTools } from './call-tools.ts'
import { responseFields } from './headers.ts'
import { problemOf } from './problem.ts'
import { endWith, rawAnswer, rawHead } from './raw-answer.ts'
import { mayRetry } from './retry.ts'
import type { RouteConfig } from './schema.ts'

/** A request that asks for another protocol (RFC 9110 section 7.8): after a 101 it is octets both ways, until either side ends. */
export class Upgrade implements ResponseListener, Watched {
  deadlineMs: number
  place = -1
  readonly #socket: Duplex
  readonly #early: Buffer
  readonly #head: RequestHead
  readonly #tools: CallTools
  #exchange: Exchange | undefined
  readonly #tried = new Set<Trunk>()
  #attempts = 0
  #answered = false
  #switched = false
  #over = false
  #waiting = 0

  constructor(request: IncomingMessage, early: Buffer, head: RequestHead, route: RouteConfig, tools: CallTools) {
    this.#socket = request.socket
    this.#early = early
    this.#head = head
    this.#tools = tools
    this.deadlineMs = performance.now() + route.answerMs
  }

  start(): void {
    const socket = this.#socket
    this.#tools.deadlines.add(this)
    socket.on('error', () => this.#gone())
    socket.on('close', () => this.#gone())
    socket.on('drain', () => {
      this.#exchange?.consumed(this.#waiting)
      this.#waiting = 0
    })
    void this.#attempt()
  }

  async #attempt(): Promise<void> {
    this.#attempts += 1
    try {
      const open = await this.#tools.table.get(this.#head.service, { waitMs: trunkWaitMs, not: this.#tried })
      this.#tried.add(open.trunk)
      if (!this.#over) this.#exchange = open.initiator.open(this.#head, this)
    } catch (error) {
      this.reset(exchangeFailureOf(error))
    }
  }

  interim(): void {
    // A client that asked for another protocol waits for 101 alone.
  }

  response(head: ResponseHead): void {
    this.#answered = true
    const { requestId } = this.#head.context
    const fields = responseFields(head, {
      requestId: this.#tools.requestId ? requestId : undefined,
      totalMs: undefined,
    })
    if (head.status !== 101) {
      // Content of unknown length ends with the connection: RFC 9112 section 6.3, rule 8.
      this.#socket.write(rawHead(head.status, [...fields, 'connection', 'close']))
      this.#exchange?.end()
      if (head.end) this.end()
      return
    }
    this.#switched = true
    this.#tools.meter.count('requests_upgraded')
    this.#tools.deadlines.delete(this)
    this.#socket.write(rawHead(101, [...fields, 'connection', 'upgrade']))
    if (this.#early.length > 0) this.#exchange?.write(this.#early)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#allow()
      if (this.#exchange?.write(chunk) === false) this.#socket.pause()
    })
    this.#socket.on('end', () => {
      this.#exchange?.end()
      this.#halfClosed()
    })
  }

  body(piece: Uint8Array): void {
    this.#allow()
    if (this.#socket.write(piece)) this.#exchange?.consumed(piece.byteLength)
    else this.#waiting += piece.byteLength
  }

  end(): void {
    if (this.#switched) {
      this.#socket.end()
      return this.#halfClosed()
    }
    this.#over = true
    this.#tools.deadlines.delete(this)
    endWith(this.#socket, nothing)
  }

  /** One half of a tunnel may be open for as long as something goes over it. */
  #halfClosed(): void {
    this.#allow()
    this.#tools.deadlines.add(this)
  }

  #allow(): void {
    this.deadlineMs = performance.now() + this.#tools.idleMs
  }

  writable(): void {
    this.#socket.resume()
  }

  reset(code: ExchangeFailureCode): void {
    this.#exchange = undefined
    if (this.#over) return
    if (!this.#answered && mayRetry(code, { method: this.#head.method, content: false, attempts: this.#attempts })) {
      void this.#attempt()
      return
    }
    this.#tools.meter.count('requests_failed', code)
    this.#over = true
    this.#tools.deadlines.delete(this)
    if (this.#answered) {
      this.#socket.destroy()
      return
    }
    endWith(this.#socket, rawAnswer(problemOf(code, this.#head.context.requestId)))
  }

  expire(): void {
    this.#exchange?.reset('CANCELLED')
    this.reset('BACKEND_TIMEOUT')
  }

  #gone(): void {
    if (this.#over) return
    this.#over = true
    this.#tools.deadlines.delete(this)
    this.#exchange?.reset('CANCELLED')
  }
}

const nothing = Buffer.alloc(0)
