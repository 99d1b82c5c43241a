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
  /** All of the queue has left. */
  emptied(): void
}

/** What leaves a trunk next: control frames first, in order; then content of different exchanges in turns. */
export class Schedule {
  #control: Uint8Array[] = []
  #controlBytes = 0
  readonly #ready = new Set<BodySource>()

  get pending(): boolean {
    return this.#control.length > 0 || this.#ready.size > 0
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
    if (source.sendable > 0) this.#ready.add(source)
  }

  removeBody(source: BodySource): void {
    this.#ready.delete(source)
  }

  /** Frames worth at least `bytes`, or all there are. */
  pull(bytes: number): Uint8Array[] {
    const out = this.#control
    let taken = this.#controlBytes
    this.#control = []
    this.#controlBytes = 0
    while (taken < bytes && this.#ready.size > 0) {
      for (const source of this.#ready) {
        // A set keeps the order of insertion: to the back means after everyone who waits.
        this.#ready.delete(source)
        taken += this.#turn(source, out)
        if (source.sendable > 0) this.#ready.add(source)
        if (taken >= bytes) break
      }
    }
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
