import type { Member } from '@postern/identity'
import {
  type Clock,
  type Log,
  type Meter,
  type Offer,
  type PeerName,
  PosternError,
  type Purpose,
  reasonOf,
  type ServiceName,
  type Trunks,
} from '@postern/protocol'
import { type EndServer, echoEnd, lookupEnd, serveTrunks, trunkEnd } from './circuit/ends.ts'
import { CircuitRelay, defaultCircuitLimits } from './circuit/relay.ts'
import { TrunkPool } from './circuit/trunks.ts'
import { Dht } from './directory/dht.ts'
import { Finder } from './directory/find.ts'
import { Guard } from './directory/guard.ts'
import { Lookup } from './directory/lookup.ts'
import { Registration } from './directory/register.ts'
import type { RelayStatus } from './fault.ts'
import { type Host, type RelayAddresses, startHost } from './host.ts'
import { isCircuitAddress, withoutPeer } from './link/address.ts'
import { type ChoiceStore, Neighbours } from './neighbours.ts'
import { PathChooser } from './path.ts'
import { Standing } from './standing.ts'
import { type TracedHop, traceHops } from './trace.ts'

export interface MeshInit {
  readonly member: Member
  readonly relay?: RelayAddresses
  readonly ingress?: {
    readonly services: () => readonly ServiceName[]
    readonly relays: number
    readonly trunks: number
    readonly entries: ChoiceStore
  }
  readonly egress?: { readonly offer: Offer; readonly guards: ChoiceStore }
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
}

/** Relays that an ingress or an egress chooses, and when a lost one is given up. */
const chosenRelays = 3
const replaceAfterMs = 3600_000
const traceWaitMs = 5000

/** One neighbour or far end as an operator sees it. */
export interface PeerStatus {
  readonly peer: PeerName
  readonly name: string
  readonly roles: readonly string[]
  readonly over: 'link' | 'circuit'
  readonly direction: string
}

export interface MeshStatus {
  readonly peer: PeerName
  readonly addresses: readonly string[]
  readonly circuits: number
  readonly guards: { readonly chosen: number; readonly linked: number; readonly registered: number } | undefined
  readonly entries: { readonly chosen: number; readonly linked: number } | undefined
  readonly services: ReturnType<TrunkPool['describe']>
  /** Relays that this node wants a link to. */
  readonly relays: readonly RelayStatus[]
  /** The sequence of the newest list of revocations that a neighbour has. */
  readonly revocationsHeard: number
}

/** A node's place in the mesh. */
export interface Mesh {
  readonly peer: PeerName
  /** Trunks to the services called here. Throws USAGE on a node that is no ingress. */
  readonly trunks: Trunks
  peers(): PeerStatus[]
  status(): MeshStatus
  /** Measures the way to a service hop by hop. Throws SERVICE_UNREACHABLE where there is none. */
  trace(service: ServiceName): Promise<TracedHop[]>
  /** Takes a signed list of revocations and passes it on. Answers whether it was newer than the one here. */
  revoke(sealed: string): Promise<boolean>
  /** Tells guards that nothing new should come; what is under way goes on. */
  drain(): Promise<void>
  stop(): Promise<void>
}

/** Starts the roles that are given, in the order in which they need each other. */
export async function startMesh(init: MeshInit): Promise<Mesh> {
  const host = await startHost({ ...init, relay: init.relay })
  const { clock, log, member, meter } = init
  const standing = new Standing({ host, revocations: member.revocations, log, meter })
  await standing.start()
  const stops: Array<() => void> = [() => standing.stop()]
  const ends: Partial<Record<Purpose, EndServer>> = { echo: echoEnd }
  const bootstrap = member.mesh.bootstrap.filter((address) => !address.endsWith(`/p2p/${host.peer}`))

  let joined: Neighbours | undefined
  if (init.relay !== undefined) {
    const dht = new Dht(host.libp2p, (error) => {
      meter.count('dht_failures', 'find')
      log.debug('directory search ended early', { reason: reasonOf(error) })
    })
    const guard = new Guard({ host, dht, mesh: member.mesh.id, clock, log, meter })
    const addresses = () => host.libp2p.getMultiaddrs().map(withoutPeer)
    const guards = (service: string) => guard.lookup(service).length > 0
    const lookup = new Lookup({ host, dht, mesh: member.mesh.id, guards, addresses, meter })
    ends.lookup = lookupEnd((service) => guard.lookup(service))
    await guard.start()
    await lookup.start()
    stops.push(() => guard.stop())
    joined = joinRelays(host, bootstrap, init)
    stops.push(() => joined?.stop())
  }

  if (init.egress !== undefined) {
    ends.trunk = trunkEnd(host)
    await serveTrunks(host, init.egress.offer, log, meter)
  }
  const relay = await startCircuits(host, init, ends)
  const offering = init.egress === undefined ? undefined : startOffering(host, bootstrap, init, init.egress)
  const calling = init.ingress === undefined ? undefined : startCalling(host, bootstrap, init, init.ingress)

  return {
    peer: host.peer,
    get trunks() {
      if (calling === undefined) throw new PosternError('USAGE', 'this node is no ingress')
      return calling.pool
    },
    peers: () => peersOf(host),
    status: () => ({
      peer: host.peer,
      addresses: host.libp2p.getMultiaddrs().map(String),
      circuits: relay.circuits,
      guards: offering && {
        chosen: offering.guards.chosen.length,
        linked: offering.guards.linked.length,
        registered: offering.registration.registered.length,
      },
      entries: calling && { chosen: calling.entries.chosen.length, linked: calling.entries.linked.length },
      services: calling?.pool.describe() ?? [],
      relays: eachOnce([joined, offering?.guards, calling?.entries]),
      revocationsHeard: Math.max(0, ...host.heard.values()),
    }),
    async trace(service) {
      if (calling === undefined) throw new PosternError('USAGE', 'only an ingress can trace a service')
      const trunk = await calling.pool.get(service, { waitMs: traceWaitMs })
      return await traceHops(host, calling.pool.hopsOf(trunk), clock)
    },
    revoke: (sealed) => standing.learn(sealed),
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
  ends: Partial<Record<Purpose, EndServer>>,
): Promise<CircuitRelay> {
  const { clock, log, member, meter } = init
  const relay = new CircuitRelay({
    host,
    clock,
    log,
    meter,
    seed: member.key.libp2p.raw.subarray(0, 32),
    forwards: init.relay !== undefined,
    limits: defaultCircuitLimits,
    end: (end) => {
      const serve = ends[end.purpose]
      return serve && ((stream, replyKey) => serve(stream, replyKey, end))
    },
  })
  if (init.relay !== undefined || init.egress !== undefined) await relay.start()
  return relay
}

/** A relay keeps links to the relays it started from; the DHT takes it from there. */
function joinRelays(host: Host, bootstrap: readonly string[], init: MeshInit): Neighbours {
  const relays = new Neighbours({
    host,
    bootstrap,
    count: bootstrap.length,
    replaceAfterMs: Number.POSITIVE_INFINITY,
    store: { load: () => [], save: () => {} },
    clock: init.clock,
    log: init.log,
    linked: () => {},
  })
  relays.start()
  return relays
}

function eachOnce(parts: ReadonlyArray<Neighbours | undefined>): RelayStatus[] {
  const relays = parts.flatMap((part) => part?.relays ?? [])
  return [...new Map(relays.map((relay) => [relay.peer, relay])).values()]
}

function startOffering(
  host: Host,
  bootstrap: readonly string[],
  init: MeshInit,
  egress: NonNullable<MeshInit['egress']>,
) {
  const { clock, log, member } = init
  const guards = new Neighbours({
    host,
    bootstrap,
    clock,
    log,
    replaceAfterMs,
    count: chosenRelays,
    store: egress.guards,
    linked: (guard) => void registration.register(guard),
  })
  const registration = new Registration({
    host,
    clock,
    log,
    key: member.key,
    secret: member.secret,
    services: () => egress.offer.services,
    guards: () => guards.linked.map(({ peer }) => peer),
  })
  guards.start()
  registration.start()
  const stop = () => {
    registration.stop()
    guards.stop()
  }
  return { guards, registration, stop }
}

function startCalling(
  host: Host,
  bootstrap: readonly string[],
  init: MeshInit,
  ingress: NonNullable<MeshInit['ingress']>,
) {
  const { clock, log, member, meter } = init
  const entries = new Neighbours({
    host,
    bootstrap,
    clock,
    log,
    replaceAfterMs,
    count: chosenRelays,
    store: ingress.entries,
    linked: () => pool.refresh(),
  })
  const paths = new PathChooser({ relays: ingress.relays, entries: () => entries.linked, known: () => entries.known })
  const finder = new Finder({ host, paths, clock, log, verifier: member.verifier, secret: member.secret })
  const pool = new TrunkPool({
    host,
    finder,
    paths,
    clock,
    log,
    meter,
    services: ingress.services,
    perEgress: ingress.trunks,
  })
  entries.start()
  pool.refresh()
  const stop = () => {
    pool.stop()
    entries.stop()
  }
  return { entries, pool, stop }
}

function peersOf(host: Host): PeerStatus[] {
  return host.libp2p.getConnections().map((connection) => {
    const peer = connection.remotePeer.toString()
    const credential = host.roster.of(peer)
    const over = isCircuitAddress(connection.remoteAddr) ? 'circuit' : 'link'
    return { peer, name: credential?.name ?? '', roles: credential?.roles ?? [], over, direction: connection.direction }
  })
}
