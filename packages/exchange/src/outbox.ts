import { type ExchangeFailureCode, encodeNumberFrame, exchangeFailures, frameType } from '@postern/protocol'
import type { Held } from './buffer-budget.ts'
import { type BodySource, Schedule } from './schedule.ts'

export interface OutboxInit {
  /** Octets of control frames that may wait. */
  readonly controlBytes: number
  /** Counts the control frames that wait. */
  readonly held: Held
  readonly wake: () => void
  /** More waits than may. */
  readonly full: (detail: string) => void
}

/** What a machine has to say and has not said yet. */
export class Outbox {
  readonly #init: OutboxInit
  readonly #schedule = new Schedule()
  #closed = false

  constructor(init: OutboxInit) {
    this.#init = init
  }

  get pending(): boolean {
    return this.#schedule.pending
  }

  /** Heads and other control frames that wait to be pulled. */
  get controlFrames(): number {
    return this.#schedule.controlFrames
  }

  get controlBytes(): number {
    return this.#schedule.controlBytes
  }

  /** Frames to send, worth at least `bytes` or all there are. */
  pull(bytes: number): Uint8Array[] {
    const { controlBytes } = this.#schedule
    const frames = this.#schedule.pull(bytes)
    if (controlBytes > 0) this.#init.held.add(-controlBytes)
    return frames
  }

  control(frame: Uint8Array): void {
    const { controlBytes, full, held, wake } = this.#init
    if (this.#closed) return
    this.#schedule.addControl(frame)
    held.add(frame.byteLength)
    if (this.#schedule.controlBytes > controlBytes) full('the other side does not read')
    else wake()
  }

  reset(id: number, code: ExchangeFailureCode): void {
    this.control(encodeNumberFrame(frameType.RESET, id, exchangeFailures[code].wire, 2))
  }

  /** Takes no further control frame. */
  close(): void {
    this.#closed = true
  }

  addBody(source: BodySource): void {
    this.#schedule.addBody(source)
  }

  removeBody(source: BodySource): void {
    this.#schedule.removeBody(source)
  }
}
