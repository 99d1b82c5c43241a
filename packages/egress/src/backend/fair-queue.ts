/** A request that is to have a connection to the backend. */
export interface Claim {
  /** Peer id of the ingress that it came from. */
  readonly ingress: string
  /** What limits count the client of the ingress by. */
  readonly client: string
  /** All of its content has arrived. */
  readonly whole: boolean
}

export interface QueueLimits {
  /** Requests that may wait. */
  readonly waiting: number
  /** Connections that requests of one client may hold. */
  readonly perClient: number
  /** Connections that requests may hold whose content is not whole: what is slow to arrive leaves room for the rest. */
  readonly open: number
  /** The same, of one client. */
  readonly openPerClient: number
}

/** A connection that is held. */
export interface Hold {
  /** The content of the request is whole. */
  settle(): void
  release(): void
}

interface Ingress<T> {
  held: number
  waiting: number
  readonly clients: Map<string, Client<T>>
  /** Clients of which requests wait. */
  readonly queued: Set<Client<T>>
  /** At how many clients those that neither hold nor wait are forgotten. */
  sweepAt: number
}

interface Client<T> {
  readonly ingress: Ingress<T>
  held: number
  /** Of those held, the ones whose content is not whole. */
  heldOpen: number
  /** By whether their content is whole; each with its place in the order of arrival. */
  readonly whole: Map<T, number>
  readonly open: Map<T, number>
}

/** Idle clients are kept up to so many: a map that loses and gains an entry with each request costs more than they do. */
const keptClients = 256

/**
 * Who gets a connection to a backend, as a pure machine: the ingress that holds the fewest, of its clients the one that
 * holds the fewest, of its requests the one that has waited longest. No client holds more than its share, though
 * connections be idle: another's request finds one. When no more may wait, the ingress with the most waiting requests
 * gives up its newest.
 */
export class FairQueue<T extends Claim> {
  readonly #limits: QueueLimits
  readonly #ingresses = new Map<string, Ingress<T>>()
  #waiting = 0
  #open = 0
  #arrivals = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Requests that wait. */
  get size(): number {
    return this.#waiting
  }

  /** Whether the request may hold a connection now. */
  admits(claim: T): boolean {
    const client = this.#ingresses.get(claim.ingress)?.clients.get(claim.client)
    return (client?.held ?? 0) < this.#limits.perClient && (claim.whole || this.#openRoom(client) > 0)
  }

  /** The request holds a connection from now on. */
  hold(claim: T): Hold {
    const client = this.#clientOf(claim)
    client.held += 1
    client.ingress.held += 1
    let open = !claim.whole
    const count = (by: number) => {
      this.#open += by
      client.heldOpen += by
    }
    if (open) count(1)
    const settle = () => {
      if (open) count(-1)
      open = false
    }
    return {
      settle,
      release: () => {
        settle()
        client.held -= 1
        client.ingress.held -= 1
      },
    }
  }

  /**
   * Lets the request wait, beside those for which there are `spare` connections yet to be made; answers with the one that
   * may not, which is this one or, where that is fair, another.
   */
  add(claim: T, spare = 0): T | undefined {
    if (this.#waiting < this.#limits.waiting + spare) {
      this.#enqueue(claim)
      return undefined
    }
    const victim = this.#victimFor(claim)
    if (victim === undefined) return claim
    this.delete(victim)
    this.#enqueue(claim)
    return victim
  }

  /** Whether the request was waiting. */
  delete(claim: T): boolean {
    const client = this.#ingresses.get(claim.ingress)?.clients.get(claim.client)
    if (client === undefined || !(client.whole.delete(claim) || client.open.delete(claim))) return false
    client.ingress.waiting -= 1
    this.#waiting -= 1
    if (waitingOf(client) === 0) client.ingress.queued.delete(client)
    return true
  }

  /** The content of a request that waits is whole. */
  settle(claim: T): void {
    const client = this.#ingresses.get(claim.ingress)?.clients.get(claim.client)
    const place = client?.open.get(claim)
    if (client === undefined || place === undefined) return
    client.open.delete(claim)
    client.whole.set(claim, place)
  }

  /** The request that gets the next connection, which waits no longer; undefined where none may have one. */
  next(): T | undefined {
    let best: { readonly client: Client<T>; readonly claim: T; readonly place: number } | undefined
    for (const ingress of this.#ingresses.values()) {
      for (const client of ingress.queued) {
        const first = this.#firstOf(client)
        if (first === undefined) continue
        const order = best === undefined ? -1 : compare(client, best.client)
        if (best === undefined || order < 0 || (order === 0 && first[1] < best.place))
          best = { client, claim: first[0], place: first[1] }
      }
    }
    if (best !== undefined) this.delete(best.claim)
    return best?.claim
  }

  /** How many of the requests that wait could have a connection, at most `most`. */
  ready(most: number): number {
    let ready = 0
    let open = this.#limits.open - this.#open
    for (const { queued } of this.#ingresses.values()) {
      for (const client of queued) {
        const room = this.#limits.perClient - client.held
        const whole = Math.min(client.whole.size, room)
        const more = Math.max(0, Math.min(client.open.size, room - whole, open, this.#openRoom(client)))
        open -= more
        ready += whole + more
        if (ready >= most) return most
      }
    }
    return ready
  }

  #enqueue(claim: T): void {
    const client = this.#clientOf(claim)
    const kind = claim.whole ? client.whole : client.open
    this.#arrivals += 1
    kind.set(claim, this.#arrivals)
    client.ingress.queued.add(client)
    client.ingress.waiting += 1
    this.#waiting += 1
  }

  #firstOf(client: Client<T>): readonly [T, number] | undefined {
    if (client.held >= this.#limits.perClient) return undefined
    const [whole] = client.whole
    const [open] = this.#openRoom(client) > 0 ? client.open : []
    if (whole === undefined || open === undefined) return whole ?? open
    return whole[1] < open[1] ? whole : open
  }

  /** How many more requests whose content is not whole a client may have a connection for. */
  #openRoom(client: Client<T> | undefined): number {
    const { open, openPerClient } = this.#limits
    return Math.min(open - this.#open, openPerClient - (client?.heldOpen ?? 0))
  }

  #clientOf(claim: T): Client<T> {
    let ingress = this.#ingresses.get(claim.ingress)
    if (ingress === undefined) {
      for (const [peer, each] of this.#ingresses) if (each.held + each.waiting === 0) this.#ingresses.delete(peer)
      ingress = { held: 0, waiting: 0, clients: new Map(), queued: new Set(), sweepAt: keptClients }
      this.#ingresses.set(claim.ingress, ingress)
    }
    let client = ingress.clients.get(claim.client)
    if (client === undefined) {
      if (ingress.clients.size >= ingress.sweepAt) sweep(ingress)
      client = { ingress, held: 0, heldOpen: 0, whole: new Map(), open: new Map() }
      ingress.clients.set(claim.client, client)
    }
    return client
  }

  /** Who waits in a full queue with less right than the request: the newest of whoever has the most waiting. */
  #victimFor(claim: T): T | undefined {
    const own = this.#ingresses.get(claim.ingress)
    const most = largest(this.#ingresses.values(), ({ waiting }) => waiting)
    const from = most !== undefined && (own?.waiting ?? 0) + 1 < most.waiting ? most : own
    const client = from && largest(from.queued, waitingOf)
    if (from === undefined || client === undefined) return undefined
    const ownClient = from === own ? from.clients.get(claim.client) : undefined
    const less = from !== own || (ownClient === undefined ? 0 : waitingOf(ownClient)) + 1 < waitingOf(client)
    return less ? newestOf(client) : undefined
  }
}

/** Below 0 where the first is to be served before the second. */
function compare<T>(one: Client<T>, other: Client<T>): number {
  return one.ingress === other.ingress ? one.held - other.held : one.ingress.held - other.ingress.held
}

function waitingOf<T>({ open, whole }: Client<T>): number {
  return whole.size + open.size
}

function largest<T>(all: Iterable<T>, sizeOf: (one: T) => number): T | undefined {
  let found: T | undefined
  for (const each of all) if (found === undefined || sizeOf(each) > sizeOf(found)) found = each
  return found
}

function newestOf<T>({ open, whole }: Client<T>): T | undefined {
  let newest: readonly [T | undefined, number] = [undefined, 0]
  for (const each of whole) if (each[1] > newest[1]) newest = each
  for (const each of open) if (each[1] > newest[1]) newest = each
  return newest[0]
}

function sweep<T>(ingress: Ingress<T>): void {
  for (const [key, client] of ingress.clients) if (isIdle(client)) ingress.clients.delete(key)
  ingress.sweepAt = Math.max(keptClients, 2 * ingress.clients.size)
}

function isIdle<T>(client: Client<T>): boolean {
  return client.held === 0 && waitingOf(client) === 0
}
