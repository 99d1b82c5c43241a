import type { Pipe, PipeReader } from './pipe.ts'

/** The in-memory twin of a pipe: two ends, each reading what the other sends, at most `windowBytes` under way. */
export function pipePair(windowBytes = 256 * 1024): [Pipe, Pipe] {
  const a = new MemoryPipe(windowBytes)
  const b = new MemoryPipe(windowBytes)
  a.join(b)
  b.join(a)
  return [a, b]
}

class MemoryPipe implements Pipe {
  readonly #window: number
  #peer: MemoryPipe | undefined
  #reader: PipeReader | undefined
  #queue: Uint8Array[] = []
  #queued = 0
  #paused = false
  #ended = false
  #endSeen = false
  #peerWaits = false
  #over = false
  #scheduled = false

  constructor(window: number) {
    this.#window = window
  }

  join(peer: MemoryPipe): void {
    this.#peer = peer
  }

  read(reader: PipeReader): void {
    this.#reader = reader
    this.#schedule()
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#over || this.#ended) return true
    return this.#peer?.take(chunks) ?? true
  }

  take(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) {
      if (chunk.byteLength === 0) continue
      this.#queue.push(chunk)
      this.#queued += chunk.byteLength
    }
    this.#schedule()
    this.#peerWaits = this.#queued >= this.#window
    return !this.#peerWaits
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  close(): void {
    if (this.#ended || this.#over) return
    this.#ended = true
    this.#peer?.takeEnd()
    this.#finish()
  }

  takeEnd(): void {
    this.#endSeen = true
    this.#schedule()
  }

  abort(error: Error): void {
    this.#terminate(error)
    this.#peer?.lose()
  }

  lose(): void {
    this.#terminate(new Error('the other side aborted'))
  }

  #terminate(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#queue = []
    setImmediate(() => this.#reader?.close(error))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    if (this.#reader === undefined) return
    while (this.#queue.length > 0 && !this.#paused && !this.#over) {
      const chunk = this.#queue.shift()
      if (chunk === undefined) break
      this.#queued -= chunk.byteLength
      this.#reader.data(chunk)
    }
    if (this.#peerWaits && this.#queued < this.#window) {
      this.#peerWaits = false
      this.#peer?.drained()
    }
    if (this.#endSeen && this.#queue.length === 0 && !this.#over && !this.#paused) this.#finish()
  }

  #endDelivered = false

  #finish(): void {
    if (this.#endSeen && this.#queue.length === 0 && !this.#endDelivered && this.#reader !== undefined) {
      this.#endDelivered = true
      this.#reader.end()
    }
    if (this.#ended && this.#endDelivered && !this.#over) {
      this.#over = true
      const reader = this.#reader
      setImmediate(() => reader?.close())
    }
  }

  drained(): void {
    setImmediate(() => {
      if (!this.#over) this.#reader?.drain()
    })
  }
}
