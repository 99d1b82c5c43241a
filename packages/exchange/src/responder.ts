import type { ExchangeFailureCode, FieldLines, Pipe, RequestHead, ResponseHead } from '@postern/protocol'
import { Carrier } from './carrier.ts'
import type { Exchange } from './exchange.ts'
import { Machine } from './machine.ts'
import { defaultLimits, type MachineLimits } from './machine-events.ts'

/** What a responder hears of one exchange. */
export interface RequestListener {
  body(piece: Uint8Array): void
  end(trailers: FieldLines): void
  reset(code: ExchangeFailureCode): void
  writable(): void
}

/** An exchange as its responder holds it. */
export interface Incoming extends Exchange {
  interim(head: ResponseHead): void
  respond(head: ResponseHead): void
}

export interface ResponderInit {
  /** Takes a request; what it answers with hears of the rest. */
  readonly accept: (exchange: Incoming, head: RequestHead) => RequestListener
  readonly limits?: Partial<MachineLimits>
  readonly violation?: (detail: string) => void
}

/** The end of a trunk that answers exchanges. */
export class Responder {
  readonly closed: Promise<void>
  readonly #machine: Machine
  readonly #carrier: Carrier
  readonly #listeners = new Map<number, RequestListener>()

  constructor(pipe: Pipe, init: ResponderInit) {
    this.#machine = new Machine(
      'responder',
      {
        request: (id, head) => {
          const listener = init.accept(this.#incoming(id), head)
          if (this.#machine.has(id)) this.#listeners.set(id, listener)
        },
        interim: () => {},
        response: () => {},
        body: (id, piece) => this.#listeners.get(id)?.body(piece),
        end: (id, trailers) => this.#listeners.get(id)?.end(trailers),
        over: (id) => void this.#listeners.delete(id),
        writable: (id) => this.#listeners.get(id)?.writable(),
        reset: (id, code) => {
          const listener = this.#listeners.get(id)
          this.#listeners.delete(id)
          listener?.reset(code)
        },
        goaway: () => {},
        pong: () => {},
        violation: (detail) => {
          init.violation?.(detail)
          this.#carrier.abort(detail)
        },
        wake: () => this.#carrier.wake(),
      },
      { ...defaultLimits, ...init.limits },
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#carrier = new Carrier(pipe, this.#machine, {
      over: () => {
        const listeners = [...this.#listeners.values()]
        this.#listeners.clear()
        for (const listener of listeners) listener.reset('TRUNK_LOST')
        resolve()
      },
    })
    this.#carrier.start()
  }

  /** Exchanges open now. */
  get size(): number {
    return this.#machine.size
  }

  /** Takes no further exchange; the other side may send those elsewhere, and closes when the open ones are over. */
  drain(): void {
    this.#machine.goaway()
  }

  close(): void {
    this.#carrier.close()
  }

  #incoming(id: number): Incoming {
    const machine = this.#machine
    return {
      interim: (head) => machine.interim(id, head),
      respond: (head) => machine.respond(id, head),
      write: (chunk) => machine.write(id, chunk),
      end: (trailers) => machine.end(id, trailers),
      consumed: (bytes) => machine.consumed(id, bytes),
      reset: (code) => {
        machine.reset(id, code)
        this.#listeners.delete(id)
      },
    }
  }
}
