import type { Socket } from 'node:net'

/** A request that was admitted on a connection. */
export interface Pipelined {
  start(): void
  /** The connection is over. */
  gone(): void
}

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
  }

  /** Starts the request now, or when one of those before it is over. */
  enter(request: Pipelined): void {
    if (this.#underWay.size < this.#most) return this.#start(request)
    this.#waiting.push(request)
    this.#socket.pause()
  }

  leave(request: Pipelined): void {
    if (!this.#underWay.delete(request)) return
    const next = this.#waiting.shift()
    if (next !== undefined) this.#start(next)
    if (this.#waiting.length > 0) this.#socket.pause()
    else if (next !== undefined) this.#socket.resume()
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
