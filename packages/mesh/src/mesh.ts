import { authorityService, isIdOf, type Member } from '@postern/identity'
import {
  type Clock,
  type Log,
  type Meter,
  type Offer,
  type PeerName,
  PosternError,
  type Purpose,
  reasonOf,
  type ServiceId,
  type ServiceName,
  type WatchedTrunks,
} from '@postern/protocol'
import { type IngressPart, type PartInit, startCalling } from './calling.ts'
import { type EndServer, echoEnd, guardsEnd, lookupEnd, serveTrunks, trunkEnd } from './circuit/ends.ts'
import { CircuitRelay, type RelayInit } from './circuit/relay.ts'
import { Dht } from './directory/dht.ts'
import { wanted } from './directory/find.ts'
import { Guard } from './directory/guard.ts'
import { KnownRelays } from './directory/known-relays.ts'
import { Lookup } from './directory/lookup.ts'
import { type Admit, askAuthority, linkedRelays, serveEnrolment } from './enrol.ts'
import type { RelayStatus } from './fault.ts'
import { Freshness, type FreshnessInit } from './freshness.ts'
import { graceOf } from './grace.ts'
import { type Host, type RelayAddresses, startHost } from './host.ts'
import { defaultRelayLimits, type RelayLimits, usualWithheldMs } from './limits/relay-limits.ts'
import { isCircuitAddress, withoutPeer } from './link/address.ts'
import type { MeshStatus, PeerStatus } from './mesh-status.ts'
import { type ChoiceStore, Neighbours, relayOfAddress } from './neighbours.ts'
import { type OfferingPart, startOffering } from './offering.ts'
import { Renewed } from './renewed.ts'
import { Standing } from './standing.ts'
import { type TracedHop, traceHops } from './trace.ts'
import { Twins, type TwinsInit } from './twins.ts'

export interface MeshInit {
  readonly member: Member
  readonly relay?: RelayAddresses & { readonly limits: RelayLimits }
  readonly ingress?: IngressPart
  readonly egress?: { readonly offer: Offer; readonly guards: ChoiceStore }
  readonly authority?: { readonly admit: Admit; readonly guards: ChoiceStore }
  /** How long after its end a credential is good to ask an authority for another, over a relay here or at an authority. */
  readonly graceMs?: number
  /** See `FreshnessInit`; one that never refuses anything unless said otherwise. */
  readonly freshness?: Omit<FreshnessInit, 'bulletin' | 'clock'>
  /** How long relays have to pass on a bulletin that the far end of a circuit has passed on. */
  readonly withheldMs?: number
  readonly clock: Clock
  readonly twins?: Pick<TwinsInit, 'askAfterMs'>
  /** See `HostInit`. */
  readonly ageMs?: () => number
  readonly log: Log
  readonly meter: Meter
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
}

const traceWaitMs = 5000
const nowhere = { load: () => '', save: () => {} }
const lenient = { staleMs: Number.POSITIVE_INFINITY, strict: false, store: nowhere } as const

/** A node's place in the mesh. */
export interface Mesh {
  readonly peer: PeerName
  /** Trunks to the services called here, for each reader its own; none on a node that is no ingress. */
  readonly trunks: readonly WatchedTrunks[]
  peers(): PeerStatus[]
  status(): MeshStatus
  /** Measures the way to a service hop by hop. Throws SERVICE_UNREACHABLE where there is none. */
  trace(service: ServiceName): Promise<TracedHop[]>
  /** Takes a bulletin and passes it on. Answers whether it was newer than the one here. */
  announce(sealed: string): Promise<boolean>
  /** Takes a heartbeat and passes it on. Answers whether it was newer than the one here. */
  beat(sealed: string): Promise<boolean>
  /** Asks an authority for a credential. Throws what `askAuthority` throws. */
  enrol(request: string): Promise<string>
  /** Shows every peer the own credential, which is a newer one now. */
  renewed(): Promise<void>
  /** Tells guards that nothing new should come; what is under way goes on. */
  drain(): Promise<void>
  stop(): Promise<void>
}

/** Starts the roles that are given, in the order in which they need each other. */
export async function startMesh(init: MeshInit): Promise<Mesh> {
  const host = await startHost({ ...init, relay: init.relay, graceMs: graceOf(init) })
  const { clock, log, member, meter } = init
  const part = {
    host,
    member,
    isAllowed: () => freshness.allows,
    bootstrap: bootstrapOf(member, host),
    clock,
    log,
    meter,
  }
  const { bulletin } = member
  const limits = init.relay?.limits ?? defaultRelayLimits
  const { bulletinsPerMinute } = limits
  let refresh = (): void => {}
  const { withheldMs = usualWithheldMs } = init
  const lists = { bulletinsPerMinute, withheldMs, learned: () => refresh() }
  const freshness = new Freshness({ ...(init.freshness ?? lenient), bulletin, clock })
  await freshness.load()
  const standing = new Standing({ host, bulletin, freshness, ...lists, clock, log, meter })
  const renewed = new Renewed({ host, member, log, meter })
  await standing.start()
  await renewed.start()
  const twins = new Twins({ host, clock, log, meter, ...init.twins })
  await twins.start()
  const stops: Array<() => void> = [() => standing.stop(), () => twins.stop()]
  const ends: Partial<Record<Purpose, EndServer>> = { echo: echoEnd }

  const relays = init.relay === undefined ? undefined : joinRelays(part)
  let known: KnownRelays | undefined
  if (init.relay !== undefined) {
    const dht = new Dht(host.libp2p, (error) => {
      meter.count('dht_failures', 'find')
      log.debug('directory search ended early', { reason: reasonOf(error) })
    })
    known = new KnownRelays({ host, dht, bootstrap: () => part.bootstrap.map(relayOfAddress) })
    const isAuthority = (service: ServiceId) => isIdOf(authorityService, service, bulletin.heardSecrets, clock.now())
    const directory = { host, dht, mesh: member.mesh.id, limits, clock, log, meter }
    const guard = new Guard({ ...directory, isAuthority })
    const addresses = () => host.libp2p.getMultiaddrs().map(withoutPeer)
    const lookup = new Lookup({ ...directory, guards: (key) => guard.guards(key), addresses })
    ends.lookup = lookupEnd((service) => guard.lookup(service))
    ends.guards = guardsEnd((key) => lookup.guardsOf(key))
    await guard.start()
    await lookup.start()
    stops.push(() => guard.stop())
    relays?.start()
    stops.push(() => relays?.stop())
  }

  if (init.egress !== undefined) {
    ends.trunk = trunkEnd(host)
    await serveTrunks(host, init.egress.offer, { log, meter, isAllowed: () => freshness.allows })
  }
  if (init.authority !== undefined) {
    ends.trunk = trunkEnd(host)
    await serveEnrolment(host, init.authority.admit, { clock, log, meter })
  }
  const relay = await startCircuits(host, init, { ends, known, limits })
  const offered = offeredBy(init)
  const offering = offered && startOffering(part, offered)
  const calling = init.ingress && startCalling(part, init.ingress)
  refresh = () => {
    offering?.registration.refresh()
    calling?.refresh()
  }

  return {
    peer: host.peer,
    trunks: calling?.pools ?? [],
    peers: () => peersOf(host, relay),
    status: () => ({
      peer: host.peer,
      addresses: host.libp2p.getMultiaddrs().map(String),
      circuits: relay.circuits,
      banned: host.bans.count,
      guards: offering && {
        chosen: offering.guards.chosen.length,
        linked: offering.guards.linked.length,
        registered: offering.registration.registered.length,
      },
      entries: calling && { chosen: calling.entries.chosen.length, linked: calling.entries.linked.length },
      services: calling?.describe() ?? [],
      relays: eachOnce([relays, offering?.guards, calling?.entries]),
      bulletinHeard: Math.max(0, ...host.heard.values()),
      bulletinWithheld: standing.withheld,
      twins: twins.status(),
      freshness: freshness.status,
    }),
    async trace(service) {
      if (calling === undefined) throw new PosternError('USAGE', 'only an ingress can trace a service')
      const [pool] = calling.pools
      const trunk = await pool.get(service, { waitMs: traceWaitMs })
      return await traceHops(host, pool.hopsOf(trunk), clock)
    },
    announce: (sealed) => standing.learn(sealed),
    beat: (sealed) => standing.beat(sealed),
    enrol(request) {
      const chosen = calling?.entries ?? offering?.guards ?? linkedRelays(host)
      const { verifier } = member
      const wantedNow = () => wanted(bulletin, authorityService, 'authority')
      return askAuthority({ host, relays: chosen, verifier, wanted: wantedNow, clock, log }, request)
    },
    async renewed() {
      await renewed.tell()
      refresh()
    },
    async drain() {
      await offering?.registration.drain()
    },
    async stop() {
      calling?.stop()
      offering?.stop()
      for (const stop of stops) stop()
      await host.libp2p.stop()
    },
  }
}

async function startCircuits(
  host: Host,
  init: MeshInit,
  parts: Pick<RelayInit, 'known' | 'limits'> & { readonly ends: Partial<Record<Purpose, EndServer>> },
): Promise<CircuitRelay> {
  const { ends, known, limits } = parts
  const { clock, log, member, meter } = init
  const relay = new CircuitRelay({
    host,
    clock,
    log,
    meter,
    seed: member.key.libp2p.raw.subarray(0, 32),
    known,
    limits,
    end: (end) => {
      const serve = ends[end.purpose]
      return serve && ((stream, replyKey) => serve(stream, replyKey, end))
    },
  })
  if (init.relay !== undefined || ends.trunk !== undefined) await relay.start()
  return relay
}

/** A relay keeps links to the relays it started from; the DHT takes it from there. */
function joinRelays({ bootstrap, clock, host, log }: PartInit): Neighbours {
  return new Neighbours({
    host,
    bootstrap,
    count: bootstrap.length,
    replaceAfterMs: Number.POSITIVE_INFINITY,
    store: { load: () => [], save: () => {} },
    clock,
    log,
    linked: () => {},
  })
}

function eachOnce(parts: ReadonlyArray<Neighbours | undefined>): RelayStatus[] {
  const relays = parts.flatMap((part) => part?.relays ?? [])
  return [...new Map(relays.map((relay) => [relay.peer, relay])).values()]
}

/** Relays to start from, but for this one. */
function bootstrapOf({ mesh }: Member, host: Host): string[] {
  return mesh.bootstrap.filter((address) => !address.endsWith(`/p2p/${host.peer}`))
}

/** What is registered at guards: services of an egress, and the authority, found and hidden as a service is. */
function offeredBy({ authority, egress }: MeshInit): OfferingPart | undefined {
  const guards = egress?.guards ?? authority?.guards
  if (guards === undefined) return undefined
  const own = authority === undefined ? [] : [authorityService]
  return { guards, services: () => [...(egress?.offer.services ?? []), ...own] }
}

function peersOf(host: Host, relay: CircuitRelay): PeerStatus[] {
  return host.libp2p.getConnections().map((connection) => {
    const peer = connection.remotePeer.toString()
    const credential = host.roster.of(peer)
    const over = isCircuitAddress(connection.remoteAddr) ? 'circuit' : 'link'
    const { bytes = 0, circuits = 0 } = (over === 'link' ? relay.account(peer) : undefined) ?? {}
    const { direction } = connection
    return { peer, name: credential?.name ?? '', roles: credential?.roles ?? [], over, direction, circuits, bytes }
  })
}
