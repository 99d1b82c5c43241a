import type { MessagePort } from 'node:worker_threads'
import { atEndOfTurn, type Pipe, type PipeReader, rank } from '@postern/protocol'

/** Octets under way to the other thread that it has not acknowledged; more waits with who sends. */
const windowBytes = 1024 * 1024
/** So many octets leave in the midst of a turn: the other thread works on them while this one goes on. */
const manyBytes = 256 * 1024

/** What goes through the port: octets, how many of them were taken, the end of one direction, or why both end. */
type Said = ArrayBuffer | number | 'end' | { readonly broken: string }

/**
 * One end of a pipe between threads; the other is the same over the other port of the channel, which is theirs alone.
 * What is sent in one turn of the event loop is one message, whose memory goes to the other thread.
 */
export class PortPipe implements Pipe {
  readonly #port: MessagePort
  #reader: PipeReader | undefined
  #outgoing: Uint8Array[] = []
  #outgoingBytes = 0
  #scheduled = false
  #unacknowledged = 0
  #blocked = false
  #arrived: Uint8Array[] = []
  #waiting = 0
  #taken = 0
  #paused = false
  #delivering = false
  #ended = false
  #endSent = false
  #endCame = false
  #endTold = false
  #over = false
  #error: Error | undefined

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (said: Said) => this.#hear(said))
    port.on('close', () => {
      if (!(this.#endSent && this.#endCame)) this.#break(new Error('the other thread is gone'))
    })
  }

  /** Octets that have arrived and that the reader has not taken. */
  get waiting(): number {
    return this.#waiting
  }

  read(reader: PipeReader): void {
    this.#reader = reader
    if (this.#over) this.#tellClose()
    else this.#deliverSoon()
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#over || this.#ended) return true
    for (const chunk of chunks) {
      this.#outgoing.push(chunk)
      this.#outgoingBytes += chunk.byteLength
      this.#unacknowledged += chunk.byteLength
    }
    if (this.#outgoingBytes >= manyBytes) this.#flush()
    else this.#flushSoon()
    this.#blocked = this.#unacknowledged >= windowBytes
    return !this.#blocked
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliverSoon()
  }

  close(): void {
    if (this.#ended || this.#over) return
    this.#ended = true
    this.#flushSoon()
  }

  abort(error: Error): void {
    if (this.#over) return
    this.#say({ broken: error.message })
    this.#break(error)
  }

  #say(said: Said): void {
    this.#port.postMessage(said, said instanceof ArrayBuffer ? [said] : [])
  }

  #flushSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    atEndOfTurn(rank.circuit, () => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#over) return
    if (this.#outgoingBytes > 0) {
      // Memory of its own: what is handed over leaves this thread, and a view would take all of its buffer along.
      const whole = Buffer.allocUnsafeSlow(this.#outgoingBytes)
      let at = 0
      for (const chunk of this.#outgoing) {
        whole.set(chunk, at)
        at += chunk.byteLength
      }
      this.#outgoing = []
      this.#outgoingBytes = 0
      this.#say(whole.buffer)
    }
    if (!this.#ended || this.#endSent) return
    this.#endSent = true
    this.#say('end')
    this.#finish()
  }

  #hear(said: Said): void {
    if (this.#over) return
    if (said instanceof ArrayBuffer) {
      this.#arrived.push(new Uint8Array(said))
      this.#waiting += said.byteLength
      this.#deliver()
    } else if (typeof said === 'number') this.#acknowledged(said)
    else if (said === 'end') {
      this.#endCame = true
      this.#deliver()
    } else this.#break(new Error(said.broken))
  }

  #acknowledged(bytes: number): void {
    this.#unacknowledged -= bytes
    if (!this.#blocked || this.#unacknowledged >= windowBytes) return
    this.#blocked = false
    this.#reader?.drain()
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.#deliver())
  }

  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    while (this.#reader !== undefined && !this.#paused && !this.#over) {
      const chunk = this.#arrived.shift()
      if (chunk === undefined) break
      this.#take(chunk.byteLength)
      this.#reader.data(chunk)
    }
    this.#delivering = false
    if (this.#reader === undefined || this.#paused || this.#over || !this.#endCame || this.#endTold) return
    this.#endTold = true
    this.#reader.end()
    this.#finish()
  }

  #take(bytes: number): void {
    this.#waiting -= bytes
    this.#taken += bytes
    if (this.#taken < windowBytes / 2) return
    this.#say(this.#taken)
    this.#taken = 0
  }

  #finish(): void {
    if (this.#over || !this.#endSent || !this.#endTold) return
    this.#over = true
    this.#port.close()
    this.#tellClose()
  }

  #break(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    this.#outgoing = []
    this.#arrived = []
    this.#waiting = 0
    this.#port.close()
    this.#tellClose()
  }

  #tellClose(): void {
    setImmediate(() => this.#reader?.close(this.#error))
  }
}
