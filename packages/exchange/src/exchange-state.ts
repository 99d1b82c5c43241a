import type { FieldLines } from '@postern/protocol'
import { type GrowthBudget, ReceiveWindow, SendCredit } from './credit.ts'
import { PieceQueue } from './piece-queue.ts'
import type { BodySource } from './schedule.ts'

/** Of what may be queued, the part below which a writer that waits is told to go on. */
const lowWater = 1 / 4

/** Whoever is told of what happens to the queue of an exchange. */
export interface QueueOwner {
  /** Octets that an exchange may queue before its writer is asked to wait. */
  readonly queueBytes: number
  /** All that was queued has left. */
  queueEmptied(state: ExchangeState): void
  /** A writer that was asked to wait may go on. */
  queueDrained(state: ExchangeState): void
}

/** What a machine keeps of one open exchange. */
export class ExchangeState implements BodySource {
  readonly id: number
  readonly credit = new SendCredit()
  readonly window: ReceiveWindow
  /** The final response head has been seen. */
  answered = false
  localEnded = false
  scheduled = false
  begun = false
  remoteEnded = false
  /** The trailers of an end that waits for the queue. */
  ending: FieldLines | undefined
  readonly #owner: QueueOwner
  readonly #queue = new PieceQueue()
  #waiting = false

  constructor(id: number, budget: GrowthBudget, owner: QueueOwner) {
    this.id = id
    this.window = new ReceiveWindow(budget)
    this.#owner = owner
  }

  get queued(): number {
    return this.#queue.bytes
  }

  get sendable(): number {
    return Math.min(this.#queue.bytes, this.credit.available)
  }

  push(chunk: Uint8Array): boolean {
    this.#queue.push(chunk)
    this.#waiting = this.#queue.bytes >= this.#owner.queueBytes
    return !this.#waiting
  }

  takePiece(bytes: number): Uint8Array {
    const piece = this.#queue.take(bytes)
    this.credit.take(piece.byteLength)
    return piece
  }

  emptied(): void {
    if (this.queued === 0) this.#owner.queueEmptied(this)
    if (!this.#waiting || this.queued > this.#owner.queueBytes * lowWater) return
    this.#waiting = false
    this.#owner.queueDrained(this)
  }
}
