import { frameHeaderSize, frameType, maxPayload, writeFrameHeader } from '@postern/protocol'

/** A chunk up to this size is copied behind its header; a larger one leaves as it stands. */
const copyBytes = 1024
/** What one exchange sends before it is the next one's turn. */
const turnBytes = 32 * 1024

/** An exchange's content waiting to leave. */
export interface BodySource {
  readonly id: number
  /** Octets that may leave now: queued, and within the credit. */
  readonly sendable: number
  /** Takes up to `bytes` from the front of the queue, as one piece. */
  takePiece(bytes: number): Uint8Array
  /** Whether it stands in a queue, which the schedule alone writes. */
  scheduled: boolean
  /** Whether it has had a turn, which the schedule alone writes. */
  begun: boolean
  /** All of the queue has left. */
  emptied(): void
}

/**
 * What leaves a trunk next: control frames first, in order; then content of different exchanges in turns. Who has had no
 * turn goes before those who have, so that a short answer does not wait for a thousand downloads; one of these goes
 * first in each pull, so that they never stand still.
 */
export class Schedule {
  #control: Uint8Array[] = []
  #controlBytes = 0
  /** Those whose first turn is to come, and those who have had one, in order. */
  readonly #fresh: BodySource[] = []
  readonly #begun: BodySource[] = []

  get pending(): boolean {
    return this.#control.length > 0 || this.#fresh.length > 0 || this.#begun.length > 0
  }

  get controlFrames(): number {
    return this.#control.length
  }

  /** Octets of control frames that wait. */
  get controlBytes(): number {
    return this.#controlBytes
  }

  addControl(frame: Uint8Array): void {
    this.#control.push(frame)
    this.#controlBytes += frame.byteLength
  }

  addBody(source: BodySource): void {
    if (source.scheduled || source.sendable === 0) return
    source.scheduled = true
    this.#queueOf(source).push(source)
  }

  removeBody(source: BodySource): void {
    if (!source.scheduled) return
    source.scheduled = false
    const queue = this.#queueOf(source)
    // The last one: in the midst of a pull, the turn that it has had stands before it.
    queue.splice(queue.lastIndexOf(source), 1)
  }

  #queueOf({ begun }: BodySource): BodySource[] {
    return begun ? this.#begun : this.#fresh
  }

  /** Frames worth at least `bytes`, or all there are. */
  pull(bytes: number): Uint8Array[] {
    const out = this.#control
    let taken = this.#controlBytes
    this.#control = []
    this.#controlBytes = 0
    let [fresh, begun] = [0, 0]
    let goesOn = this.#begun.length > 0
    while (taken < bytes && fresh + begun < this.#fresh.length + this.#begun.length) {
      const first = !goesOn && fresh < this.#fresh.length
      goesOn = false
      const source = (first ? this.#fresh[fresh++] : this.#begun[begun++]) as BodySource
      source.scheduled = false
      source.begun = true
      taken += this.#turn(source, out)
      // To the back: after everyone who waits.
      this.addBody(source)
    }
    this.#fresh.splice(0, fresh)
    this.#begun.splice(0, begun)
    if (this.#control.length > 0) {
      out.push(...this.#control)
      this.#control = []
      this.#controlBytes = 0
    }
    return out
  }

  #turn(source: BodySource, out: Uint8Array[]): number {
    let left = Math.min(source.sendable, turnBytes, maxPayload)
    let taken = 0
    while (left > 0) {
      const piece = source.takePiece(left)
      const size = piece.byteLength
      const copied = size <= copyBytes
      const header = Buffer.allocUnsafe(frameHeaderSize + (copied ? size : 0))
      writeFrameHeader(header, 0, frameType.BODY, source.id, size)
      if (copied) header.set(piece, frameHeaderSize)
      out.push(header)
      if (!copied) out.push(piece)
      left -= size
      taken += size
    }
    source.emptied()
    return taken
  }
}
