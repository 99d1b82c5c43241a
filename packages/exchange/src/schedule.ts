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
  /** Whether it stands in the queue, which the schedule alone writes. */
  scheduled: boolean
  /** All of the queue has left. */
  emptied(): void
}

/** What leaves a trunk next: control frames first, in order; then content of different exchanges in turns. */
export class Schedule {
  #control: Uint8Array[] = []
  #controlBytes = 0
  /** Those whose turn it is to come, in order. */
  readonly #ready: BodySource[] = []

  get pending(): boolean {
    return this.#control.length > 0 || this.#ready.length > 0
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
    this.#ready.push(source)
  }

  removeBody(source: BodySource): void {
    if (!source.scheduled) return
    source.scheduled = false
    this.#ready.splice(this.#ready.indexOf(source), 1)
  }

  /** Frames worth at least `bytes`, or all there are. */
  pull(bytes: number): Uint8Array[] {
    const out = this.#control
    let taken = this.#controlBytes
    this.#control = []
    this.#controlBytes = 0
    let at = 0
    for (; taken < bytes && at < this.#ready.length; at++) {
      const source = this.#ready[at] as BodySource
      source.scheduled = false
      taken += this.#turn(source, out)
      // To the back: after everyone who waits.
      this.addBody(source)
    }
    this.#ready.splice(0, at)
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
