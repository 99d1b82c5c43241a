import type { ComponentLogger, Connection, Libp2p, Logger, Upgrader } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Member } from '@postern/identity'
import {
  type Clock,
  type Code,
  kadProtocol,
  type Log,
  type Meter,
  type PeerName,
  PosternError,
} from '@postern/protocol'
import { createLibp2p } from 'libp2p'
import { circuitEncrypter } from './circuit/encrypter.ts'
import { Bans } from './limits/bans.ts'
import { askingPace, Pace } from './limits/pace.ts'
import { linksPerNeighbour } from './limits/relay-limits.ts'
import { isCircuitAddress, isHostAddress, withoutPeer } from './link/address.ts'
import { Carriers } from './link/carriers.ts'
import type { MembershipInit, Met } from './link/membership.ts'
import { meshYamux } from './link/muxer.ts'
import { onlyFor, type StreamRegistrar } from './link/only-for.ts'
import { linkTransport } from './link/transport.ts'
import { rightsOf } from './rights.ts'
import { Roster } from './roster.ts'

export interface RelayAddresses {
  readonly listen: readonly string[]
  readonly announce: readonly string[]
}

export interface HostInit {
  readonly member: Member
  /** Only a relay listens, and only a relay takes part in the DHT. */
  readonly relay: RelayAddresses | undefined
  readonly clock: Clock
  /** How long the node has run, in ms; counted from here on unless said otherwise. What was made before is refused. */
  readonly ageMs?: () => number
  readonly log: Log
  readonly meter: Meter
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
  /** Who may come with a credential that has ended, see `MembershipInit`; nobody unless said otherwise. */
  readonly graceMs?: (met: Met) => number
}

/** libp2p as this mesh uses it, and who is at the other end of its connections. */
export interface Host {
  readonly libp2p: Libp2p
  readonly upgrader: Upgrader
  readonly componentLogger: ComponentLogger
  readonly roster: Roster
  /** The sequence of the newest bulletin that each peer had when it connected. */
  readonly heard: ReadonlyMap<PeerName, number>
  /** The relays of circuits that this node has opened, by what became of them. */
  readonly ways: WeakMap<Connection, readonly PeerName[]>
  /** Who has misbehaved here. */
  readonly bans: Bans
  /** What this node asks of its neighbours. */
  readonly paces: { readonly circuits: Pace }
  /** Peers with whom a link failed at a credential: what was wrong the last time, and how often something was. */
  readonly refused: ReadonlyMap<PeerName, Refusal>
  readonly peer: PeerName
  /** How long it has run, in ms. */
  readonly ageMs: () => number
  /**
   * Dials one address, which ends in its peer id, beside whatever else is dialled: libp2p's own dial joins those to one
   * peer, with the addresses of all. Throws what the transport throws.
   */
  dialAddress(address: Multiaddr, signal: AbortSignal): Promise<Connection>
}

/** The part of libp2p's transport manager that is meant here. */
interface Transports {
  dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection>
}

interface Refusal {
  readonly code: Code
  readonly times: number
}

const day = 24 * 3600_000

/** Starts libp2p with links that only members can make. The caller stops it. */
export async function startHost(init: HostInit): Promise<Host> {
  const { member, clock, log, meter, relay } = init
  const startedMs = performance.now()
  const ageMs = init.ageMs ?? (() => performance.now() - startedMs)
  const roster = new Roster(member.bulletin)
  const heard = new Map<PeerName, number>()
  const refused = new Map<PeerName, Refusal>()
  const carriers = new Carriers((peer) => {
    roster.gone(peer)
    heard.delete(peer)
  })
  const parts: { upgrader?: Upgrader; transports?: Transports } = {}
  const bans = new Bans({
    clock,
    log,
    meter,
    // It goes on with what its roles are for, until it has noticed by its own clock that it has none.
    excuses: (peer, offence) => offence === 'forbidden' && roster.of(peer)?.lapsed === true,
    accountOf: (peer) => roster.accountOf(peer),
    cut(account) {
      const peers = roster.peersOf(account)
      for (const connection of peers.flatMap((peer) => libp2p.getConnections(peerIdFromString(peer))))
        connection.abort(new PosternError('BANNED', 'the peer has misbehaved'))
    },
  })
  const membership: MembershipInit = {
    member,
    bulletin: () => member.bulletin.seq,
    proved(credential, bulletin, carrier) {
      roster.proved(credential)
      heard.set(credential.peer, bulletin)
      carriers.add(credential.peer, carrier)
    },
    refused: refusals(refused, log, meter),
    keptOut: (peer) => bans.keepsOut(peer),
    graceMs: init.graceMs ?? (() => 0),
  }
  const muxer = meshYamux()
  const directory = relay === undefined ? {} : await directoryServices(member)
  const libp2p = await createLibp2p({
    privateKey: member.key.libp2p,
    addresses: { listen: [...(relay?.listen ?? [])], announce: [...(relay?.announce ?? [])] },
    transports: [
      linkTransport({
        key: member.key.libp2p,
        knock: () => member.knock,
        heard: () => member.bulletin.heardSecrets,
        clock,
        ageMs,
        membership,
        muxer: muxer(),
        ...(init.passed === undefined ? {} : { passed: init.passed }),
        refused: (reason) => {
          meter.count('knocks_refused', reason)
          log.info('knock refused', { reason })
        },
      }),
    ],
    // What identify tells neighbours: neither version nor runtime.
    nodeInfo: { name: 'postern', userAgent: 'postern' },
    connectionEncrypters: [circuitEncrypter(membership)],
    streamMuxers: [muxer],
    connectionManager: {
      maxConnections: 8192,
      inboundConnectionThreshold: 1000,
      maxIncomingPendingConnections: 4096,
      maxParallelDials: 64,
      dialTimeout: 10_000,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    // Whoever told of an address, the DHT among them: what is dialled is a host on TCP, never a socket file.
    connectionGater: { denyDialMultiaddr: (address) => !isHostAddress(withoutPeer(address)) },
    peerStore: {
      maxAddressAge: 3 * day,
      maxPeerAge: 4 * day,
      // Addresses of relays alone are kept: the DHT passes on what stands in the peer store.
      addressFilter: (peer) => roster.of(peer.toString())?.roles.includes('relay') !== false,
    },
    logger: quiet,
    services: {
      parts: (components: { upgrader: Upgrader; registrar: StreamRegistrar; transportManager: Transports }) => {
        parts.upgrader = components.upgrader
        parts.transports = components.transportManager
        onlyFor(components.registrar, kadProtocol(member.mesh.id), (peer) => rightsOf(roster.of(peer)).directory)
        return {}
      },
      ...directory,
    },
  }).catch((cause: unknown) => {
    throw listenError(cause, relay)
  })
  const { transports, upgrader } = parts
  if (upgrader === undefined || transports === undefined) throw new Error('libp2p has no upgrader')
  libp2p.addEventListener('connection:open', (event: CustomEvent<Connection>) => {
    const peers = roster.peersOf(roster.accountOf(event.detail.remotePeer.toString()))
    for (const surplus of linksOf(libp2p, peers).slice(0, -linksPerNeighbour)) {
      meter.count('links_surplus')
      surplus.abort(new PosternError('BUSY', 'newer links of the same peer have taken its place'))
    }
  })
  const paces = { circuits: new Pace({ clock, maxWaitMs: 2000, ...askingPace }) }
  const peer = libp2p.peerId.toString()
  const dialAddress: Host['dialAddress'] = (address, signal) => transports.dial(address, { signal })
  return {
    libp2p,
    upgrader,
    componentLogger: quiet,
    roster,
    heard,
    ways: new WeakMap(),
    refused,
    bans,
    paces,
    peer,
    ageMs,
    dialAddress,
  }
}

/** Links to peers, the oldest first; circuits to them do not count. */
function linksOf(libp2p: Libp2p, peers: readonly PeerName[]): Connection[] {
  const connections = peers.flatMap((peer) => libp2p.getConnections(peerIdFromString(peer)))
  const links = connections.filter(({ remoteAddr }) => !isCircuitAddress(remoteAddr))
  return peers.length > 1 ? links.toSorted((a, b) => a.timeline.open - b.timeline.open) : links
}

const maxRefusedKept = 1024

/** Each refusal is told of no more than once: one that keeps knocking fills no log. */
function refusals(refused: Map<PeerName, Refusal>, log: Log, meter: Meter): (code: Code, peer: PeerName) => void {
  return (code, peer) => {
    meter.count('links_refused', code)
    const before = refused.get(peer)
    const first = before?.code !== code
    refused.set(peer, { code, times: (before?.times ?? 0) + 1 })
    const [oldest = ''] = refused.keys()
    if (refused.size > maxRefusedKept) refused.delete(oldest)
    log[first ? 'warn' : 'debug']('link refused', { code, peer })
  }
}

/** What libp2p says of an address it cannot listen on, as an operator can act on it. */
function listenError(cause: unknown, relay: RelayAddresses | undefined): unknown {
  if (!(cause instanceof Error) || cause.name !== 'UnsupportedListenAddressesError') return cause
  return new PosternError('ADDRESS_IN_USE', `cannot listen on ${relay?.listen.join(', ') ?? ''}`, {
    cause,
    remedy: 'stop what listens there, or choose an address of this host and a port it may use',
  })
}

/** Loaded where they run: in relays. The others start sooner without. */
async function directoryServices(member: Member) {
  const [{ identify }, { kadDHT, passthroughMapper }, { ping }] = await Promise.all([
    import('@libp2p/identify'),
    import('@libp2p/kad-dht'),
    import('@libp2p/ping'),
  ])
  const protocolPrefix = `postern-${member.mesh.id}`
  return {
    identify: identify({ protocolPrefix }),
    ping: ping({ protocolPrefix, maxInboundStreams: 16, maxOutboundStreams: 16 }),
    dht: kadDHT({
      protocol: kadProtocol(member.mesh.id),
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      allowQueryWithZeroPeers: true,
    }),
  }
}

/** libp2p's own log says nothing: what an operator can act on is said by the mesh, with a code. */
const quiet: ComponentLogger = { forComponent: () => quietLogger() }

const nothing = (): void => {}

function quietLogger(): Logger {
  return Object.assign(nothing, { error: nothing, trace: nothing, enabled: false, newScope: quietLogger })
}
