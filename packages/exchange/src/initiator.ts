import {
  type ExchangeFailureCode,
  type FieldLines,
  type Pipe,
  PosternError,
  type RequestHead,
  type ResponseHead,
} from '@postern/protocol'
import { type BufferBudget, unlimited } from './buffer-budget.ts'
import { Carrier } from './carrier.ts'
import { type Exchange, MachineExchange } from './exchange.ts'
import { IdTable } from './id-table.ts'
import { Machine } from './machine.ts'
import { defaultLimits, type MachineLimits } from './machine-events.ts'

/** What an initiator hears of one exchange. After `reset`, or after both directions have ended, nothing follows. */
export interface ResponseListener {
  interim(head: ResponseHead): void
  response(head: ResponseHead): void
  /** Content; to be acknowledged with `consumed`, which is what makes the other side send more. */
  body(piece: Uint8Array): void
  end(trailers: FieldLines): void
  reset(code: ExchangeFailureCode): void
  /** `write` had answered false, and takes more again. */
  writable(): void
}

export interface InitiatorInit {
  readonly limits?: Partial<MachineLimits>
  /** The other side drains, or the trunk has had all its exchanges: no further one should be opened here. */
  readonly draining?: () => void
  readonly violation?: (detail: string) => void
  /** What this trunk may hold together with others. */
  readonly buffers?: BufferBudget | undefined
  /** The trunk is over; said before its exchanges hear of it, so that none of them is sent here again. */
  readonly over?: () => void
}

/** The end of a trunk that opens exchanges. */
export class Initiator {
  readonly closed: Promise<void>
  readonly #machine: Machine
  readonly #carrier: Carrier
  readonly #listeners = new IdTable<ResponseListener>()
  readonly #maxExchanges: number
  readonly #notifyDraining: () => void
  /** Exchanges that may still be opened. */
  #left: number
  #draining = false
  #over = false

  constructor(pipe: Pipe, init: InitiatorInit = {}) {
    const limits = { ...defaultLimits, ...init.limits }
    this.#maxExchanges = limits.exchanges
    this.#left = limits.exchangesInAll
    this.#notifyDraining = init.draining ?? (() => {})
    const held = init.buffers?.join({ shed: () => this.#machine.shed() }) ?? unlimited
    this.#machine = new Machine(
      'initiator',
      {
        request: () => {},
        interim: (id, head) => this.#listeners.get(id)?.interim(head),
        response: (id, head) => this.#listeners.get(id)?.response(head),
        body: (id, piece) => this.#listeners.get(id)?.body(piece),
        end: (id, trailers) => this.#listeners.get(id)?.end(trailers),
        over: this.#onFinished,
        writable: (id) => this.#listeners.get(id)?.writable(),
        reset: (id, code) => {
          const listener = this.#listeners.get(id)
          this.#onFinished(id)
          listener?.reset(code)
        },
        goaway: (lastId) => {
          this.#draining = true
          this.#notifyDraining()
          for (const id of this.#listeners.keys().filter((open) => open > lastId)) {
            const listener = this.#listeners.get(id)
            this.#machine.reset(id, 'DRAINING')
            this.#onFinished(id)
            listener?.reset('DRAINING')
          }
          this.#closeWhenIdle()
        },
        pong: () => {},
        violation: (detail) => {
          init.violation?.(detail)
          this.#carrier.abort(detail)
        },
        wake: () => this.#carrier.wake(),
      },
      limits,
      held,
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#carrier = new Carrier(pipe, this.#machine, {
      over: () => {
        this.#over = true
        held.release()
        init.over?.()
        const listeners = this.#listeners.values()
        this.#listeners.clear()
        for (const listener of listeners) listener.reset('TRUNK_LOST')
        resolve()
      },
    })
    this.#carrier.start()
  }

  /** Whether exchanges can be opened. */
  get usable(): boolean {
    return !this.#over && !this.#draining && this.#machine.size < this.#maxExchanges
  }

  /** Exchanges open now. */
  get size(): number {
    return this.#machine.size
  }

  /** Throws SERVICE_UNREACHABLE, DRAINING or BUSY, which are safe to retry on another trunk, or BUFFERS_FULL. */
  open(head: RequestHead, listener: ResponseListener): Exchange {
    if (this.#over) throw new PosternError('SERVICE_UNREACHABLE', 'the trunk is over')
    if (this.#draining) throw new PosternError('DRAINING', 'the trunk takes no more exchanges')
    if (!this.usable) throw new PosternError('BUSY', 'too many exchanges on this trunk')
    const machine = this.#machine
    const id = machine.request(head)
    if (machine.open(id) === undefined) throw new PosternError('BUFFERS_FULL', 'exchanges hold all that they may')
    this.#listeners.set(id, listener)
    this.#left -= 1
    if (this.#left <= 0) {
      this.#draining = true
      this.#notifyDraining()
    }
    return new MachineExchange(machine, id, this.#onFinished)
  }

  close(): void {
    this.#carrier.close()
  }

  readonly #onFinished = (id: number): void => {
    this.#listeners.delete(id)
    this.#closeWhenIdle()
  }

  #closeWhenIdle(): void {
    if (this.#draining && this.#machine.size === 0 && !this.#over) this.#carrier.close()
  }
}
