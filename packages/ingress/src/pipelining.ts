import type { Socket } from 'node:net'

/** A request that was admitted on a connection. */
export interface Pipelined {
  start(): void
  /** The connection is over. */
  gone(): void
}

/** Requests that may wait on a connection: more than arrive in one piece, after which nothing more is read. */
const maxWaiting = 4096

/**
 * The requests of one connection: a few under way, and those behind them in their order. While any waits, nothing is
 * read: a client that sends without reading answers holds no more than those few.
 */
export class Pipelining {
  readonly #socket: Socket
  readonly #most: number
  readonly #underWay = new Set<Pipelined>()
  readonly #waiting: Pipelined[] = []

  constructor(socket: Socket, most: number) {
    this.#socket = socket
    this.#most = most
    socket.once('close', () => this.#close())
    // node:http reads on by itself at the end of each message.
    socket.on('resume', () => {
      if (this.#waiting.length > 0) socket.pause()
    })
  }

  /** Starts the request now, or when one of those before it is over. */
  enter(request: Pipelined): void {
    if (this.#underWay.size < this.#most) return this.#start(request)
    this.#waiting.push(request)
    if (this.#waiting.length > maxWaiting) this.#socket.destroy()
    else this.#socket.pause()
  }

  leave(request: Pipelined): void {
    if (!this.#underWay.delete(request)) return
    const next = this.#waiting.shift()
    if (next !== undefined) this.#start(next)
    if (next !== undefined && this.#waiting.length === 0) this.#socket.resume()
  }

  #start(request: Pipelined): void {
    this.#underWay.add(request)
    request.start()
  }

  #close(): void {
    this.#waiting.length = 0
    for (const request of this.#underWay) request.gone()
    this.#underWay.clear()
  }
}

const bySocket = new WeakMap<Socket, Pipelining>()

/** The requests of a connection. */
export function pipeliningOf(socket: Socket, most: number): Pipelining {
  const known = bySocket.get(socket)
  if (known !== undefined) return known
  const pipelining = new Pipelining(socket, most)
  bySocket.set(socket, pipelining)
  return pipelining
}
