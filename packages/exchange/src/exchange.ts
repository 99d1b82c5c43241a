import type { ExchangeFailureCode, FieldLines } from '@postern/protocol'
import type { Machine } from './machine.ts'

/** What either side can do to an open exchange. Calls on one that is over do nothing. */
export interface Exchange {
  /** Sends content, which belongs to the trunk from then on. False asks to wait for `writable`. */
  write(chunk: Uint8Array): boolean
  /** Ends this direction, with trailer fields where there are any. */
  end(trailers?: FieldLines): void
  /** This much of the content received has been dealt with. */
  consumed(bytes: number): void
  /** Ends both directions at once. */
  reset(code: ExchangeFailureCode): void
  /** Octets of content written here that have not left. */
  readonly queued: number
}

/** An open exchange of a machine; whoever made it is told when it is reset from here. */
export class MachineExchange implements Exchange {
  protected readonly machine: Machine
  protected readonly id: number
  readonly #finished: (id: number) => void

  constructor(machine: Machine, id: number, finished: (id: number) => void) {
    this.machine = machine
    this.id = id
    this.#finished = finished
  }

  write(chunk: Uint8Array): boolean {
    return this.machine.write(this.id, chunk)
  }

  end(trailers?: FieldLines): void {
    this.machine.end(this.id, trailers)
  }

  consumed(bytes: number): void {
    this.machine.consumed(this.id, bytes)
  }

  get queued(): number {
    return this.machine.open(this.id)?.queued ?? 0
  }

  reset(code: ExchangeFailureCode): void {
    this.machine.reset(this.id, code)
    this.#finished(this.id)
  }
}
