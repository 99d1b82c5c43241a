import type { Deadlines, Watched } from '@postern/protocol'
import { type Carried, Connection, type ConnectionOwner } from './connection.ts'
import { type Dialling, dial } from './dial.ts'

export interface PoolLimits {
  /** Connections at most, those being made among them. */
  readonly connections: number
  readonly connectMs: number
  /** Time without an octet of a response, in ms. */
  readonly idleMs: number
}

/** A request that waits for a connection, no longer than it may wait for its answer. */
class Waiting implements Watched {
  readonly deadlineMs: number
  place = -1
  readonly carried: Carried
  readonly expire: () => void

  constructor(carried: Carried, expired: (waiting: Waiting) => void) {
    this.carried = carried
    this.deadlineMs = performance.now() + carried.answerMs
    this.expire = () => expired(this)
  }
}

/** The connections to one backend. The one used last is used first, so that those that are not needed grow old. */
export class Pool implements ConnectionOwner {
  readonly #origin: URL
  readonly #limits: PoolLimits
  readonly #deadlines: Deadlines
  readonly #connections = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #dialling = new Set<Dialling>()
  readonly #waiting = new Map<Carried, Waiting>()
  #closed = false

  constructor(origin: URL, limits: PoolLimits, deadlines: Deadlines) {
    this.#origin = origin
    this.#limits = limits
    this.#deadlines = deadlines
  }

  /** Carries the request as soon as there is a connection; its events tell the rest. */
  request(carried: Carried): void {
    if (this.#closed) return carried.failed('BACKEND_LOST', 'the egress has stopped')
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable) return connection.carry(carried)
    }
    const waiting = new Waiting(carried, ({ carried: late }) => {
      if (this.forget(late)) late.failed('BACKEND_TIMEOUT', 'no connection to the backend became free')
    })
    this.#waiting.set(carried, waiting)
    this.#deadlines.add(waiting)
    this.#grow()
  }

  /** Whether the request was still waiting; it hears nothing more. */
  forget(carried: Carried): boolean {
    const waiting = this.#waiting.get(carried)
    if (waiting === undefined) return false
    this.#deadlines.delete(waiting)
    return this.#waiting.delete(carried)
  }

  free(connection: Connection): void {
    const next = this.#next()
    if (next === undefined) this.#idle.push(connection)
    else connection.carry(next)
  }

  over(connection: Connection): void {
    this.#connections.delete(connection)
    this.#deadlines.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#grow()
  }

  close(): void {
    this.#closed = true
    for (const dialling of this.#dialling) dialling.cancel()
    for (const connection of this.#connections) connection.abort()
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.failed('BACKEND_LOST', 'the egress has stopped')
    }
  }

  /** The request that has waited longest. */
  #next(): Carried | undefined {
    const [next] = this.#waiting.keys()
    if (next !== undefined) this.forget(next)
    return next
  }

  /** Makes as many connections as requests wait for, within the limit. */
  #grow(): void {
    if (this.#closed) return
    const room = () => this.#connections.size + this.#dialling.size < this.#limits.connections
    while (this.#dialling.size < this.#waiting.size && room()) {
      const dialling = dial(this.#origin, this.#limits.connectMs, this.#deadlines, (result) => {
        this.#dialling.delete(dialling)
        if (result instanceof Error) this.#refused(result)
        else this.#connected(new Connection(result, this.#limits.idleMs, this))
      })
      this.#dialling.add(dialling)
    }
  }

  #connected(connection: Connection): void {
    this.#connections.add(connection)
    this.#deadlines.add(connection)
    this.free(connection)
  }

  #refused(error: Error): void {
    this.#next()?.failed('BACKEND_REFUSED', error.message)
    this.#grow()
  }
}
