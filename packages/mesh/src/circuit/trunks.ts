import { setTimeout } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { permits } from '@postern/identity'
import {
  type Clock,
  type Log,
  type Meter,
  nextTrunk,
  type OpenTrunks,
  type PeerName,
  PosternError,
  protocolId,
  reasonOf,
  type ServiceName,
  type Trunk,
  type TrunkWish,
  type WatchedTrunks,
} from '@postern/protocol'
import { Backoff } from '../backoff.ts'
import { atMost, later, soonest } from '../deadline.ts'
import type { Endpoint, Finder, Wanted } from '../directory/find.ts'
import type { Host } from '../host.ts'
import type { PathChooser } from '../path.ts'
import { streamPipe } from '../stream-pipe.ts'
import { openCircuit } from './open.ts'
import { type Hop, peersOf } from './route.ts'
import { type EgressState, isMissing, newEgress, newService, refreshAfterMs, type ServiceState } from './trunk-state.ts'
import { upgradeOutbound } from './upgrade.ts'

export interface TrunksInit {
  readonly host: Host
  readonly finder: Pick<Finder, 'find'>
  /** Whether anybody may be called now. */
  readonly isAllowed: () => boolean
  readonly wanted: (service: ServiceName) => Wanted
  readonly paths: PathChooser
  /** Services that are called here: their trunks are opened before the first request. */
  readonly services: () => readonly ServiceName[]
  /** Trunks kept open to each egress. */
  readonly perEgress: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const openDeadlineMs = 10_000

/** Keeps trunks open to every egress of the services called here, and hands them out in turn. */
export class TrunkPool implements WatchedTrunks {
  readonly #init: TrunksInit
  readonly #egresses = new Map<PeerName, EgressState>()
  readonly #services = new Map<ServiceName, ServiceState>()
  readonly #hops = new WeakMap<Trunk, readonly Hop[]>()
  readonly #trunksOf = (egress: PeerName) => this.#egresses.get(egress)
  #changed = (): void => {}
  #stopped = false

  constructor(init: TrunksInit) {
    this.#init = init
  }

  stop(): void {
    this.#stopped = true
    for (const state of this.#services.values()) clearTimeout(state.retry)
    for (const state of this.#egresses.values()) {
      clearTimeout(state.retry)
      for (const trunk of state.trunks) trunk.pipe.abort(new PosternError('STOPPED', 'the node stops'))
    }
  }

  /** Looks for the services at once: at the start, and when an entry has been linked. */
  refresh(): void {
    this.#changed()
    for (const service of this.#init.services()) void this.#refresh(service)
  }

  get(service: ServiceName, wish: TrunkWish): Trunk | Promise<Trunk> {
    return this.#pick(service, wish.not) ?? this.#await(service, wish)
  }

  watch(listener: (open: OpenTrunks) => void): void {
    this.#changed = () =>
      listener({
        offers: (this.#init.isAllowed() ? [...this.#services] : []).map(([service, { egresses }]) => [
          service,
          egresses,
        ]),
        trunks: [...this.#egresses.values()].flatMap(({ trunks }) => Array.from(trunks)),
      })
    this.#changed()
  }

  /** The way that a trunk takes, the egress last. */
  hopsOf(trunk: Trunk): readonly Hop[] {
    return this.#hops.get(trunk) ?? []
  }

  /** Egresses by service, with the open trunks of each. */
  describe(): Array<{ service: ServiceName; egresses: Array<{ egress: PeerName; guards: number; trunks: number }> }> {
    return [...this.#services].map(([service, state]) => ({
      service,
      egresses: state.egresses.map((egress) => ({
        egress,
        guards: this.#egresses.get(egress)?.endpoint.guards.length ?? 0,
        trunks: this.#egresses.get(egress)?.trunks.size ?? 0,
      })),
    }))
  }

  #pick(service: ServiceName, not: ReadonlySet<Trunk> | undefined): Trunk | undefined {
    const state = this.#init.isAllowed() ? this.#services.get(service) : undefined
    return state && nextTrunk(service, state, this.#trunksOf, not)
  }

  /** Looks and opens again and again until there is a trunk, the time is up, or it is certain that nobody offers the service. */
  async #await(service: ServiceName, { waitMs, not }: TrunkWish): Promise<Trunk> {
    const until = performance.now() + waitMs
    const pause = new Backoff(50, 500)
    for (;;) {
      await atMost(until, this.#refresh(service))
      const openings = (this.#services.get(service)?.egresses ?? []).map((egress) => this.#open(egress))
      await atMost(until, Promise.any(openings))
      const trunk = this.#pick(service, not)
      if (trunk !== undefined) return trunk
      const state = this.#services.get(service)
      if (
        state === undefined ||
        !this.#init.isAllowed() ||
        isMissing(state) ||
        this.#stopped ||
        performance.now() >= until
      )
        break
      await setTimeout(pause.nextMs())
    }
    throw new PosternError('SERVICE_UNREACHABLE', `no egress that offers ${service} can be reached`)
  }

  #refresh(service: ServiceName): Promise<void> {
    const state = this.#services.get(service) ?? newService()
    this.#services.set(service, state)
    state.refresh ??= this.#find(service, state).finally(() => {
      state.refresh = undefined
      this.#refreshSoon(service, state)
    })
    return state.refresh
  }

  /** Often while there is no trunk, seldom while there is one. */
  #refreshSoon(service: ServiceName, state: ServiceState): void {
    clearTimeout(state.retry)
    const services = this.#init.services()
    if (this.#stopped || !services.includes(service)) return
    const open = state.egresses.some((egress) => (this.#egresses.get(egress)?.trunks.size ?? 0) > 0)
    if (open) state.backoff.succeeded()
    const waitMs = open ? refreshAfterMs(services.length) : state.backoff.nextMs()
    state.retry = later(waitMs, () => void this.#refresh(service))
  }

  async #find(service: ServiceName, state: ServiceState): Promise<void> {
    if (this.#stopped) return
    let endpoints: readonly Endpoint[]
    try {
      endpoints = await this.#init.finder.find(this.#init.wanted(service))
    } catch (error) {
      state.missing = false
      this.#init.log.debug('service not found', { service, reason: reasonOf(error) })
      return
    }
    const found = endpoints.map(({ egress }) => egress)
    state.missing = found.length === 0
    if (!state.missing) state.foundMs = performance.now()
    // An egress that no guard tells of any more is kept as long as its trunks live.
    const kept = state.egresses.filter(
      (egress) => !found.includes(egress) && (this.#egresses.get(egress)?.trunks.size ?? 0) > 0,
    )
    state.egresses = [...found, ...kept]
    for (const endpoint of endpoints) {
      const known = this.#egresses.get(endpoint.egress)
      if (known !== undefined) known.endpoint = endpoint
      else this.#egresses.set(endpoint.egress, newEgress(endpoint))
      this.#open(endpoint.egress).catch(() => undefined)
    }
    this.#sweep()
    this.#changed()
  }

  #sweep(): void {
    const wanted = new Set([...this.#services.values()].flatMap(({ egresses }) => egresses))
    for (const [egress, state] of this.#egresses) {
      if (wanted.has(egress)) continue
      clearTimeout(state.retry)
      this.#egresses.delete(egress)
    }
  }

  /** Opens what is missing of an egress's trunks; all who ask meanwhile wait for the same one. */
  #open(egress: PeerName): Promise<void> {
    const state = this.#egresses.get(egress)
    if (state === undefined || this.#stopped) return Promise.reject(new PosternError('STOPPED', 'no longer wanted'))
    if (state.trunks.size >= this.#init.perEgress) return Promise.resolve()
    state.opening ??= this.#openOne(egress, state).finally(() => {
      state.opening = undefined
    })
    return state.opening
  }

  async #openOne(egress: PeerName, state: EgressState): Promise<void> {
    const { log, meter } = this.#init
    clearTimeout(state.retry)
    try {
      const tried = new Set<string>()
      const trunk = await soonest((signal) => this.#connect(state, tried, signal), {
        withinMs: openDeadlineMs,
        discard: ({ pipe }) => pipe.abort(new PosternError('STOPPED', 'another was open sooner')),
      })
      state.backoff.succeeded()
      state.trunks.add(trunk)
      this.#changed()
      meter.count('trunks_opened')
      log.info('trunk open', { egress, hops: trunk.path.length })
      if (state.trunks.size < this.#init.perEgress) this.#openSoon(egress, state, 0)
    } catch (error) {
      meter.count('trunks_failed')
      const code = error instanceof PosternError ? error.code : 'CIRCUIT_UNREACHABLE'
      log.info('trunk not opened', { egress, code, reason: reasonOf(error) })
      this.#openSoon(egress, state, state.backoff.nextMs())
      throw error
    }
  }

  #openSoon(egress: PeerName, state: EgressState, waitMs: number): void {
    if (this.#stopped || this.#egresses.get(egress) !== state) return
    clearTimeout(state.retry)
    state.retry = later(waitMs, () => void this.#open(egress).catch(() => undefined))
  }

  async #connect(state: EgressState, tried: Set<string>, signal: AbortSignal): Promise<Trunk> {
    const { clock, host, paths } = this.#init
    const { egress, guards } = state.endpoint
    const hops = [...paths.to(guards, tried), { peer: egress, addresses: [] }]
    const end = { kind: 'end', purpose: 'trunk', subject: new Uint8Array() } as const
    const { stream: circuit } = await openCircuit(host, hops, end, { clock, signal })
    const connection = await upgradeOutbound(host, circuit, egress, signal)
    host.ways.set(connection, peersOf(hops.slice(0, -1)))
    try {
      return await this.#trunkOn(connection, state, hops, signal)
    } catch (error) {
      connection.abort(error as Error)
      throw error
    }
  }

  async #trunkOn(
    connection: Connection,
    state: EgressState,
    hops: readonly Hop[],
    signal: AbortSignal,
  ): Promise<Trunk> {
    const { egress } = state.endpoint
    const credential = this.#init.host.roster.of(egress)
    if (credential === undefined || !permits(credential, 'egress'))
      throw new PosternError('CREDENTIAL_REFUSED', 'the end of the circuit is no egress')
    const stream = await connection.newStream(protocolId.exchange, { signal })
    const trunk: Trunk = {
      egress,
      services: credential.services,
      path: peersOf(hops),
      pipe: streamPipe(stream),
      retire: () => this.#lose(egress, state, trunk),
    }
    this.#hops.set(trunk, hops)
    const over = () => {
      this.#lose(egress, state, trunk)
      closeQuietly(connection)
    }
    stream.addEventListener('close', over)
    connection.addEventListener('close', over)
    if (stream.status !== 'open') throw new PosternError('CIRCUIT_UNREACHABLE', 'the circuit broke at once')
    return trunk
  }

  #lose(egress: PeerName, state: EgressState, trunk: Trunk): void {
    if (!state.trunks.delete(trunk)) return
    this.#changed()
    this.#init.log.info('trunk over', { egress })
    this.#openSoon(egress, state, state.backoff.nextMs())
    this.refresh()
  }
}

function closeQuietly(connection: Connection): void {
  if (connection.status !== 'open') return
  connection.close({ signal: AbortSignal.timeout(1000) }).catch((error: Error) => connection.abort(error))
}
