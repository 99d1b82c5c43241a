import type { ExchangeFailureCode, FieldLines, Pipe, RequestHead, ResponseHead } from '@postern/protocol'
import { type BufferBudget, unlimited } from './buffer-budget.ts'
import { Carrier } from './carrier.ts'
import { type Exchange, MachineExchange } from './exchange.ts'
import { IdTable } from './id-table.ts'
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
  /** False when the head does not fit into a frame; then nothing was sent. */
  respond(head: ResponseHead): boolean
}

export interface ResponderInit {
  /** Takes a request; what it answers with hears of the rest. */
  readonly accept: (exchange: Incoming, head: RequestHead) => RequestListener
  readonly limits?: Partial<MachineLimits>
  /** What this trunk may hold together with others. */
  readonly buffers?: BufferBudget | undefined
  readonly violation?: (detail: string) => void
}

/** The end of a trunk that answers exchanges. */
export class Responder {
  readonly closed: Promise<void>
  readonly #machine: Machine
  readonly #carrier: Carrier
  readonly #listeners = new IdTable<RequestListener>()

  constructor(pipe: Pipe, init: ResponderInit) {
    const held = init.buffers?.join({ shed: () => this.#machine.shed() }) ?? unlimited
    this.#machine = new Machine(
      'responder',
      {
        request: (id, head) => {
          const listener = init.accept(new MachineIncoming(this.#machine, id, this.#onFinished), head)
          if (this.#machine.open(id) !== undefined) this.#listeners.set(id, listener)
        },
        interim: () => {},
        response: () => {},
        body: (id, piece) => this.#listeners.get(id)?.body(piece),
        end: (id, trailers) => this.#listeners.get(id)?.end(trailers),
        over: this.#onFinished,
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
      held,
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#carrier = new Carrier(pipe, this.#machine, {
      over: () => {
        const listeners = this.#listeners.values()
        this.#listeners.clear()
        held.release()
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

  readonly #onFinished = (id: number): void => {
    this.#listeners.delete(id)
  }
}

class MachineIncoming extends MachineExchange implements Incoming {
  interim(head: ResponseHead): void {
    this.machine.interim(this.id, head)
  }

  respond(head: ResponseHead): boolean {
    return this.machine.respond(this.id, head)
  }
}
