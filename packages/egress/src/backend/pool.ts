import type { Deadlines, Watched } from '@postern/protocol'
import { type Carried, Connection, type ConnectionOwner } from './connection.ts'
import { type Dialling, dial } from './dial.ts'
import { FairQueue } from './fair-queue.ts'
import { Stalls } from './stalls.ts'

export interface PoolLimits {
  /** Connections at most, those being made among them. */
  readonly connections: number
  /** Connections that the requests of one client may hold. */
  readonly connectionsPerClient: number
  /** Requests that may wait for a connection. */
  readonly queue: number
  readonly connectMs: number
  /** Time without an octet of a response, in ms. */
  readonly idleMs: number
  /** Time that nobody reads any of an answer while others wait, in ms. */
  readonly stalledMs: number
}

/** A request that waits for a connection, no longer than it may wait for its answer. */
class Waiting implements Watched {
  readonly deadlineMs: number
  place = -1
  readonly expire: () => void

  constructor(carried: Carried, expired: (carried: Carried) => void) {
    this.deadlineMs = performance.now() + carried.answerMs
    this.expire = () => expired(carried)
  }
}

/**
 * The connections to one backend, dealt out by a fair queue. The one used last is used first, so that those that are not
 * needed grow old.
 */
export class Pool implements ConnectionOwner {
  readonly #origin: URL
  readonly #limits: PoolLimits
  readonly #deadlines: Deadlines
  readonly #connections = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #dialling = new Set<Dialling>()
  readonly #queue: FairQueue<Carried>
  readonly #waiting = new Map<Carried, Waiting>()
  readonly #stalls: Stalls
  #closed = false

  constructor(origin: URL, limits: PoolLimits, deadlines: Deadlines) {
    this.#origin = origin
    this.#limits = limits
    this.#deadlines = deadlines
    const open = Math.max(1, Math.floor(limits.connections / 2))
    this.#queue = new FairQueue({
      waiting: limits.queue,
      perClient: limits.connectionsPerClient,
      open,
      openPerClient: Math.max(1, Math.floor(open / 2)),
    })
    this.#stalls = new Stalls(limits.stalledMs, deadlines)
  }

  /** Carries the request as soon as there is a connection for it; its events tell the rest: BUSY where too many wait. */
  request(carried: Carried): void {
    if (this.#closed) return carried.failed('BACKEND_LOST', 'the egress has stopped')
    if (this.#queue.admits(carried)) {
      const connection = this.#takeIdle()
      if (connection !== undefined) return this.#carry(connection, carried)
    }
    const refused = this.#queue.add(carried, this.#limits.connections - this.#connections.size)
    if (refused !== carried) this.#watch(carried)
    if (refused !== undefined) this.#refuse(refused)
    this.#grow()
    this.#press()
  }

  /** All of the content of a request that waits has arrived. */
  settle(carried: Carried): void {
    this.#queue.settle(carried)
    this.#advance()
  }

  /** Whether the request was still waiting; it hears nothing more. */
  forget(carried: Carried): boolean {
    this.#unwatch(carried)
    return this.#queue.delete(carried)
  }

  free(connection: Connection): void {
    this.#release(connection)
    this.#idle.push(connection)
    this.#advance()
  }

  settled(connection: Connection): void {
    connection.hold?.settle()
    if (this.#queue.size > 0) this.#advance()
  }

  over(connection: Connection): void {
    this.#release(connection)
    this.#connections.delete(connection)
    this.#deadlines.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (this.#queue.size > 0) this.#advance()
  }

  close(): void {
    this.#closed = true
    this.#stalls.stop()
    for (const dialling of this.#dialling) dialling.cancel()
    for (const connection of this.#connections) connection.abort()
    for (const carried of this.#waiting.keys()) {
      this.forget(carried)
      carried.failed('BACKEND_LOST', 'the egress has stopped')
    }
  }

  #carry(connection: Connection, carried: Carried): void {
    connection.hold = this.#queue.hold(carried)
    connection.carry(carried)
  }

  #release(connection: Connection): void {
    connection.hold?.release()
    connection.hold = undefined
  }

  #takeIdle(): Connection | undefined {
    let connection = this.#idle.pop()
    while (connection !== undefined && !connection.usable) connection = this.#idle.pop()
    return connection
  }

  /** Gives idle connections to requests that may have one, and makes as many more as others wait for. */
  #advance(): void {
    if (this.#closed) return
    while (this.#queue.size > 0) {
      const connection = this.#takeIdle()
      if (connection === undefined) break
      const next = this.#next()
      if (next === undefined) {
        this.#idle.push(connection)
        return
      }
      this.#carry(connection, next)
    }
    this.#grow()
    this.#press()
  }

  /** The request that is to have a connection; it waits no longer. */
  #next(): Carried | undefined {
    const next = this.#queue.next()
    if (next !== undefined) this.#unwatch(next)
    return next
  }

  #watch(carried: Carried): void {
    const waiting = new Waiting(carried, (late) => {
      if (this.forget(late)) late.failed('BACKEND_TIMEOUT', 'no connection to the backend became free')
    })
    this.#waiting.set(carried, waiting)
    this.#deadlines.add(waiting)
  }

  #unwatch(carried: Carried): void {
    const waiting = this.#waiting.get(carried)
    if (waiting === undefined) return
    this.#deadlines.delete(waiting)
    this.#waiting.delete(carried)
  }

  #refuse(carried: Carried): void {
    this.#unwatch(carried)
    carried.failed('BUSY', 'too many requests wait for the backend')
  }

  /** Makes as many connections as requests wait for, within the limit. */
  #grow(): void {
    if (this.#closed || this.#queue.size === 0) return
    const room = this.#limits.connections - this.#connections.size
    for (let wanted = this.#queue.ready(room); this.#dialling.size < wanted; ) this.#dial()
  }

  #dial(): void {
    const dialling = dial(this.#origin, this.#limits.connectMs, this.#deadlines, (result) => {
      this.#dialling.delete(dialling)
      if (result instanceof Error) this.#refused(result)
      else this.#connected(new Connection(result, this.#limits.idleMs, this))
    })
    this.#dialling.add(dialling)
  }

  #connected(connection: Connection): void {
    this.#connections.add(connection)
    this.#deadlines.add(connection)
    this.#idle.push(connection)
    this.#advance()
  }

  #refused(error: Error): void {
    this.#next()?.failed('BACKEND_REFUSED', error.message)
    this.#grow()
  }

  /** While requests wait that lack nothing but a connection, answers that nobody reads are ended: as many as those are. */
  #press(): void {
    if (this.#queue.size === 0) return
    this.#stalls.watch(() => {
      const most = this.#queue.ready(this.#limits.connections) - (this.#limits.connections - this.#connections.size)
      return most <= 0 ? undefined : { held: this.#connections, most }
    })
  }
}
