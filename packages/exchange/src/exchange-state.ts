import type { FieldLines } from '@postern/protocol'
import type { Held } from './buffer-budget.ts'
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

/** What the exchanges of a trunk share. */
export interface ExchangeTools {
  /** Counts what they hold. */
  readonly held: Held
  readonly growth: GrowthBudget
  readonly owner: QueueOwner
}

/** What an exchange costs here beside the octets of its head and its content, roughly. */
const exchangeBytes = 2048

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
  readonly #held: Held
  readonly #owner: QueueOwner
  readonly #ownBytes: number
  readonly #queue = new PieceQueue()
  #waiting = false

  constructor(id: number, headBytes: number, { growth, held, owner }: ExchangeTools) {
    this.id = id
    this.#ownBytes = exchangeBytes + headBytes
    this.window = new ReceiveWindow(growth)
    this.#held = held
    this.#owner = owner
  }

  get queued(): number {
    return this.#queue.bytes
  }

  /** Octets that are held for it: head, content that waits to leave, and content that nobody has taken. */
  get held(): number {
    return this.#ownBytes + this.#queue.bytes + this.window.buffered
  }

  get sendable(): number {
    return Math.min(this.#queue.bytes, this.credit.available)
  }

  /** Content has arrived. False when it is more than was allowed. */
  arrived(bytes: number): boolean {
    const allowed = this.window.arrived(bytes)
    this.#held.add(bytes)
    return allowed
  }

  /** Content has been taken. Answers with the octets to grant now. */
  consumed(bytes: number): number {
    const grant = this.window.consumed(bytes)
    this.#held.add(-bytes)
    return grant
  }

  push(chunk: Uint8Array): boolean {
    this.#queue.push(chunk)
    this.#waiting = this.#queue.bytes >= this.#owner.queueBytes
    this.#held.add(chunk.byteLength)
    return !this.#waiting
  }

  takePiece(bytes: number): Uint8Array {
    const piece = this.#queue.take(bytes)
    this.credit.take(piece.byteLength)
    this.#held.add(-piece.byteLength)
    return piece
  }

  emptied(): void {
    if (this.queued === 0) this.#owner.queueEmptied(this)
    if (!this.#waiting || this.queued > this.#owner.queueBytes * lowWater) return
    this.#waiting = false
    this.#owner.queueDrained(this)
  }
}
