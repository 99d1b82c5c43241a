import { randomInt } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type Clock, type Log, type PeerName, type RelayAddress, reasonOf } from '@postern/protocol'
import { Backoff } from './backoff.ts'
import { existingLink } from './circuit/open.ts'
import { askRelay } from './directory/lookup.ts'
import { type RelayStatus, tryLink } from './fault.ts'
import type { Host } from './host.ts'
import { withoutPeer } from './link/address.ts'

/** A relay that a node has chosen for itself, and when it was last linked; 0 for never. */
export interface Choice extends RelayAddress {
  readonly lastSeenMs: number
}

/** Where choices outlive the process. */
export interface ChoiceStore {
  load(): readonly Choice[]
  save(choices: readonly Choice[]): void
}

export interface NeighboursInit {
  readonly host: Host
  /** Multiaddrs to start from, each ending in /p2p/PEER. */
  readonly bootstrap: readonly string[]
  readonly count: number
  /** How long a chosen relay must have been gone before another takes its place. */
  readonly replaceAfterMs: number
  readonly store: ChoiceStore
  readonly clock: Clock
  readonly log: Log
  /** A chosen relay is linked, for the first time or again. */
  readonly linked: (relay: PeerName) => void
}

/** Relays that a node chooses, and when a lost one is given up. */
export const chosenRelays = 3
export const goneForGoodMs = 3600_000

const dialDeadlineMs = 4000
const reviewMs = 2000
const askAgainMs = 30_000

/**
 * Keeps links to a few relays of the node's own choosing. Choices stay: changing them often would let a patient relay
 * wait for its turn (the reason Tor has entry guards), so one is replaced only after it has been gone for long.
 */
export class Neighbours {
  readonly #init: NeighboursInit
  readonly #backoffs = new Map<PeerName, Backoff>()
  readonly #timers = new Map<PeerName, NodeJS.Timeout>()
  /** Relays that could not be linked when they were tried; those that were not tried yet come before them. */
  readonly #unreached = new Set<PeerName>()
  /** Why the last link was not made, for relays that are chosen or could be. */
  readonly #faults = new Map<PeerName, RelayStatus>()
  #choices: Choice[]
  #told: readonly RelayAddress[] = []
  #toldMs = 0
  #review: NodeJS.Timeout | undefined
  #reviewing = false
  #stopped = false

  constructor(init: NeighboursInit) {
    this.#init = init
    this.#choices = init.store.load().slice(0, init.count)
  }

  /** Chosen relays that are linked now. */
  get linked(): readonly Choice[] {
    return this.#choices.filter(({ peer }) => existingLink(this.#init.host, peer) !== undefined)
  }

  get chosen(): readonly Choice[] {
    return this.#choices
  }

  /** Chosen relays; and while there are too few of them, those that could not be linked when they were tried. */
  get relays(): readonly RelayStatus[] {
    const chosen = this.#choices.map(({ peer, addresses }) => {
      const linked = existingLink(this.#init.host, peer) !== undefined
      const fault = linked ? undefined : this.#faults.get(peer)?.fault
      return { peer, addresses, linked, ...(fault && { fault }) }
    })
    const tried = [...this.#faults.values()].filter(({ peer }) => !this.#choices.some((choice) => choice.peer === peer))
    return [...chosen, ...tried]
  }

  /** Chosen relays, and those that they told of not long ago; before they did, those to start from. */
  get known(): readonly RelayAddress[] {
    const { bootstrap, host } = this.#init
    const others = this.#told.length > 0 ? this.#told : bootstrap.map(relayOfAddress)
    const known = new Map([...others, ...this.#choices].map((relay) => [relay.peer, relay]))
    known.delete(host.peer)
    return [...known.values()]
  }

  start(): void {
    this.#init.host.libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    for (const { peer } of this.#choices) this.#linkSoon(peer, 0)
    this.#review = setInterval(() => this.#reviewNow(), reviewMs)
    this.#review.unref()
    this.#reviewNow()
  }

  stop(): void {
    this.#stopped = true
    this.#init.host.libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    clearInterval(this.#review)
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  readonly #onDisconnect = (event: CustomEvent<PeerId>): void => {
    const peer = event.detail.toString()
    if (this.#stopped || !this.#choices.some((choice) => choice.peer === peer)) return
    this.#init.log.info('relay lost', { peer })
    this.#linkSoon(peer, 0)
  }

  #linkSoon(peer: PeerName, waitMs: number): void {
    clearTimeout(this.#timers.get(peer))
    this.#timers.set(
      peer,
      setTimeout(() => void this.#link(peer), waitMs),
    )
  }

  async #link(peer: PeerName): Promise<void> {
    const choice = this.#choices.find((known) => known.peer === peer)
    if (choice === undefined || this.#stopped) return
    const backoff = this.#backoffs.get(peer) ?? new Backoff(200, 30_000)
    this.#backoffs.set(peer, backoff)
    const fault = await tryLink(this.#init.host, choice, AbortSignal.timeout(dialDeadlineMs))
    if (fault !== undefined) {
      this.#init.log.debug('relay not reached', { peer, fault: fault.kind, reason: fault.reason })
      if (this.#stopped) return
      this.#faults.set(peer, { peer, addresses: choice.addresses, linked: false, fault })
      // One that was never linked is no choice yet: another may be tried in its place at once.
      if (choice.lastSeenMs > 0) this.#linkSoon(peer, backoff.nextMs())
      else {
        this.#drop(peer)
        this.#unreached.add(peer)
        this.#reviewNow()
      }
      return
    }
    if (this.#stopped) return
    backoff.succeeded()
    this.#faults.delete(peer)
    this.#unreached.delete(peer)
    this.#seen(peer)
    this.#init.log.info('relay linked', { peer })
    this.#init.linked(peer)
    if (this.#choices.length < this.#init.count) this.#reviewNow()
  }

  #drop(peer: PeerName): void {
    this.#choices = this.#choices.filter((choice) => choice.peer !== peer)
    this.#backoffs.delete(peer)
    this.#timers.delete(peer)
  }

  #seen(...peers: readonly PeerName[]): void {
    const lastSeenMs = this.#init.clock.now()
    this.#choices = this.#choices.map((choice) => (peers.includes(choice.peer) ? { ...choice, lastSeenMs } : choice))
    this.#init.store.save(this.#choices.filter((choice) => choice.lastSeenMs > 0))
  }

  #reviewNow(): void {
    if (this.#reviewing || this.#stopped) return
    this.#reviewing = true
    void this.#fill().finally(() => {
      this.#reviewing = false
    })
  }

  /** Lets go of what has been gone for long, then chooses at random among the relays known until there are enough. */
  async #fill(): Promise<void> {
    const { clock, count, log, replaceAfterMs } = this.#init
    const linked = this.linked
    if (linked.length > 0) this.#seen(...linked.map(({ peer }) => peer))
    for (const choice of this.#choices) {
      if (choice.lastSeenMs === 0 || clock.now() - choice.lastSeenMs < replaceAfterMs) continue
      log.warn('relay replaced', { peer: choice.peer, goneMs: clock.now() - choice.lastSeenMs })
      this.#drop(choice.peer)
    }
    if (linked.length > 0 && (this.#choices.length < count || clock.now() - this.#toldMs > askAgainMs)) {
      this.#told = await this.#ask(linked)
      this.#toldMs = clock.now()
    }
    const candidates = this.#candidates()
    this.#forgetFaults(candidates)
    if (this.#choices.length >= count) return
    const untried = candidates.filter(({ peer }) => !this.#unreached.has(peer))
    // When none is left, all may be tried again at the next review.
    if (untried.length === 0) this.#unreached.clear()
    while (this.#choices.length < count && untried.length > 0 && !this.#stopped) {
      const [picked] = untried.splice(randomInt(untried.length), 1)
      if (picked === undefined) break
      this.#choices.push({ ...picked, lastSeenMs: 0 })
      this.#linkSoon(picked.peer, 0)
      // The first choice is where the others are learnt from.
      if (linked.length === 0) break
    }
  }

  /** A fault matters while its relay is chosen, or could be because there are too few that were ever linked. */
  #forgetFaults(candidates: readonly RelayAddress[]): void {
    const enough = this.#choices.filter(({ lastSeenMs }) => lastSeenMs > 0).length >= this.#init.count
    const wanted = new Set([...this.#choices, ...(enough ? [] : candidates)].map(({ peer }) => peer))
    for (const peer of this.#faults.keys()) if (!wanted.has(peer)) this.#faults.delete(peer)
  }

  /** Relays that could be chosen: those to start from, and those that were told of. */
  #candidates(): RelayAddress[] {
    const known = new Map(this.#init.bootstrap.map(relayOfAddress).map((relay) => [relay.peer, relay]))
    for (const relay of this.#told) known.set(relay.peer, relay)
    known.delete(this.#init.host.peer)
    for (const { peer } of this.#choices) known.delete(peer)
    return [...known.values()]
  }

  /** Relays that the first linked neighbour that answers knows of. */
  async #ask(linked: readonly Choice[]): Promise<readonly RelayAddress[]> {
    for (const { peer } of linked) {
      const link = existingLink(this.#init.host, peer)
      if (link === undefined) continue
      try {
        return await askRelay(link, { type: 'relays' }, AbortSignal.timeout(dialDeadlineMs))
      } catch (error) {
        this.#init.log.debug('lookup failed', { peer, reason: reasonOf(error) })
      }
    }
    return []
  }
}

/** Splits a bootstrap address into the peer and where it listens. */
export function relayOfAddress(address: string): RelayAddress {
  const parsed = multiaddr(address)
  const peer = parsed.getComponents().findLast((part) => part.name === 'p2p')?.value ?? ''
  return { peer, addresses: [withoutPeer(parsed)] }
}
