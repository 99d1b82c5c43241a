import { write, writeSync } from 'node:fs'
import { reasonOf } from '@postern/protocol'

/** Characters that wait while the place of the log takes none; lines beyond are lost, and counted. */
const maxWaiting = 2 ** 20
const retryMs = 1000
/** How soon a pipe that is full is tried again. */
const fullMs = 50

const full = new Set(['EAGAIN', 'EBUSY'])

/** Those that have lines to write yet. */
const unwritten = new Set<LogFile>()
process.on('exit', () => {
  for (const file of unwritten) file.flushSync()
})

/**
 * Writes lines to a file descriptor, in order, all that wait in one write. What cannot be written, because the disk is
 * full or the terminal is gone, waits and is tried again each second; it costs no more than the lines themselves.
 */
export class LogFile {
  readonly #fd: number
  #lines: string[] = []
  #waiting = 0
  /** What is to be written next; some of it may have been. */
  #piece: Buffer | undefined
  #busy = false
  #failure: string | undefined
  #lost = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Why nothing can be written now; undefined while lines are written. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Lines that were lost. */
  get lost(): number {
    return this.#lost
  }

  write(line: string): void {
    if (this.#waiting + line.length > maxWaiting) {
      this.#lost += 1
      return
    }
    this.#lines.push(line)
    this.#waiting += line.length
    unwritten.add(this)
    if (!this.#busy) this.#next()
  }

  #next(): void {
    this.#busy = true
    const piece = this.#take()
    write(this.#fd, piece, 0, piece.length, null, (error, written) => {
      if (error === null) this.#written(piece, written)
      else this.#failed(error)
    })
  }

  #take(): Buffer {
    this.#piece ??= Buffer.from(this.#lines.splice(0).join(''))
    return this.#piece
  }

  #written(piece: Buffer, octets: number): void {
    this.#failure = undefined
    this.#busy = false
    this.#piece = octets < piece.length ? piece.subarray(octets) : undefined
    if (this.#piece === undefined) this.#waiting = this.#lines.reduce((sum, line) => sum + line.length, 0)
    if (this.#piece !== undefined || this.#lines.length > 0) this.#next()
    else unwritten.delete(this)
  }

  #failed(error: NodeJS.ErrnoException): void {
    const isFull = full.has(error.code ?? '')
    if (!isFull) this.#failure = reasonOf(error)
    const timer = setTimeout(() => this.#next(), isFull ? fullMs : retryMs)
    // A pipe is read in the end; what else fails keeps no process.
    if (!isFull) timer.unref()
  }

  /** Writes what waits, as far as that is possible at once: for the end of the process. */
  flushSync(): void {
    // What is being written may be written already.
    if (this.#busy && this.#failure === undefined) this.#piece = undefined
    try {
      for (;;) {
        const piece = this.#take()
        if (piece.length === 0) return
        this.#piece = piece.subarray(writeSync(this.#fd, piece))
        if (this.#piece.length === 0) this.#piece = undefined
      }
    } catch (error) {
      this.#failure = reasonOf(error)
    }
  }
}
