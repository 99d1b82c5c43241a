import { randomBytes } from 'node:crypto'
import { atEndOfTurn, endTurn, type Pipe, PosternError, rank } from '@postern/protocol'
import type { Machine } from './machine.ts'

/** What leaves in one piece before the pipe is asked whether it takes more. */
const pullBytes = 256 * 1024
/** So many frames leave in the midst of a turn: the next node works on them while this one goes on. */
const manyFrames = 32
const pingMs = 15_000

export interface CarrierEvents {
  /** The pipe is over, or the other side has ended its half. */
  readonly over: (error: PosternError) => void
}

/**
 * Joins a machine to its pipe: octets in as they come, octets out at the end of each turn of the event loop as far as
 * the pipe takes them. A pipe on which nothing was heard for two pings is aborted.
 */
export class Carrier {
  readonly #pipe: Pipe
  readonly #machine: Machine
  readonly #events: CarrierEvents
  readonly #timer: NodeJS.Timeout
  #scheduled = false
  #blocked = false
  #flushing = false
  #heard = true
  #over = false
  #closing = false
  #finished = false

  constructor(pipe: Pipe, machine: Machine, events: CarrierEvents) {
    this.#pipe = pipe
    this.#machine = machine
    this.#events = events
    this.#timer = setInterval(() => this.#beat(), pingMs)
    this.#timer.unref()
  }

  start(): void {
    this.#pipe.read({
      data: (chunk) => {
        this.#heard = true
        this.#machine.receive(chunk)
      },
      drain: () => {
        this.#blocked = false
        this.#flush()
      },
      end: () => this.close(),
      close: (cause) => {
        this.#over = true
        this.#finish(new PosternError('TRUNK_LOST', 'the trunk is over', { cause }))
      },
    })
  }

  /** Something waits to be pulled. */
  readonly wake = (): void => {
    if (this.#blocked || this.#over) return
    if (!this.#scheduled) {
      this.#scheduled = true
      atEndOfTurn(rank.trunk, this.#onTurn)
    }
    // Not in the midst of a pull, whose frames are yet to be sent.
    if (!this.#flushing && this.#machine.controlFrames >= manyFrames) endTurn()
  }

  readonly #onTurn = (): void => {
    this.#scheduled = false
    this.#flush()
  }

  #flush(): void {
    this.#flushing = true
    while (!this.#over && !this.#blocked && this.#machine.pending) {
      this.#blocked = !this.#pipe.send(this.#machine.pull(pullBytes))
    }
    this.#flushing = false
    if (this.#closing && !this.#machine.pending && !this.#over) this.#pipe.close()
  }

  #beat(): void {
    if (!this.#heard) return this.abort('nothing was heard of the other side')
    this.#heard = false
    this.#machine.ping(randomBytes(8))
  }

  /** Ends the trunk after what is pending; exchanges that are open are lost. */
  close(): void {
    if (this.#over || this.#closing) return
    this.#closing = true
    if (this.#machine.pending) this.wake()
    else this.#pipe.close()
    this.#finish(new PosternError('TRUNK_LOST', 'the trunk was closed'))
  }

  abort(detail: string): void {
    if (this.#over) return
    this.#over = true
    const error = new PosternError('PROTOCOL_VIOLATION', detail)
    this.#pipe.abort(error)
    this.#finish(new PosternError('TRUNK_LOST', detail, { cause: error }))
  }

  #finish(error: PosternError): void {
    if (this.#finished) return
    this.#finished = true
    clearInterval(this.#timer)
    this.#events.over(error)
  }
}
