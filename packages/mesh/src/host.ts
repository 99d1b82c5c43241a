import { identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, Logger, PeerId, Upgrader } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import type { Member, VerifiedCredential } from '@postern/identity'
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
import { knockProtector } from './link/knock.ts'
import { memberEncrypter } from './link/member.ts'
import { meshYamux } from './link/muxer.ts'
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
  readonly log: Log
  readonly meter: Meter
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
}

/** libp2p as this mesh uses it, and who is at the other end of its connections. */
export interface Host {
  readonly libp2p: Libp2p
  readonly upgrader: Upgrader
  readonly componentLogger: ComponentLogger
  readonly roster: Roster
  /** The sequence of the newest list of revocations that each peer had when it connected. */
  readonly heard: ReadonlyMap<PeerName, number>
  /** Peers with whom a link failed at a credential: what was wrong the last time, and how often something was. */
  readonly refused: ReadonlyMap<PeerName, Refusal>
  readonly peer: PeerName
}

interface Refusal {
  readonly code: Code
  readonly times: number
}

const day = 24 * 3600_000

/** Starts libp2p with links that only members can make. The caller stops it. */
export async function startHost(init: HostInit): Promise<Host> {
  const { member, clock, log, meter, relay } = init
  const roster = new Roster(clock, member.revocations)
  const heard = new Map<PeerName, number>()
  const refused = new Map<PeerName, Refusal>()
  const parts: { upgrader?: Upgrader } = {}
  const libp2p = await createLibp2p({
    privateKey: member.key.libp2p,
    addresses: { listen: [...(relay?.listen ?? [])], announce: [...(relay?.announce ?? [])] },
    transports: [
      tcp({ inboundSocketInactivityTimeout: 120_000, outboundSocketInactivityTimeout: 120_000, backlog: 1024 }),
    ],
    // What identify tells neighbours: neither version nor runtime.
    nodeInfo: { name: 'postern', userAgent: 'postern' },
    connectionProtector: knockProtector({
      secrets: [member.secret],
      clock,
      ...(init.passed === undefined ? {} : { passed: init.passed }),
      refused: (reason) => {
        meter.count('knocks_refused', reason)
        log.info('knock refused', { reason })
      },
    }),
    connectionEncrypters: [
      memberEncrypter({
        member,
        credential: () => member.sealed,
        revocations: () => member.revocations.seq,
        proved(credential: VerifiedCredential, revocations: number) {
          roster.proved(credential)
          heard.set(credential.peer, revocations)
        },
        refused: refusals(refused, log, meter),
      }),
    ],
    streamMuxers: [meshYamux()],
    connectionManager: {
      maxConnections: 8192,
      inboundConnectionThreshold: 1000,
      maxIncomingPendingConnections: 4096,
      maxParallelDials: 64,
      dialTimeout: 10_000,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    peerStore: {
      maxAddressAge: 3 * day,
      maxPeerAge: 4 * day,
      // Addresses of relays alone are kept: the DHT passes on what stands in the peer store.
      addressFilter: (peer) => roster.of(peer.toString())?.roles.includes('relay') !== false,
    },
    logger: quiet,
    services: {
      parts: (components: { upgrader: Upgrader }) => {
        parts.upgrader = components.upgrader
        return {}
      },
      ...((relay === undefined ? {} : directoryServices(member)) as ReturnType<typeof directoryServices>),
    },
  }).catch((cause: unknown) => {
    throw listenError(cause, relay)
  })
  const { upgrader } = parts
  if (upgrader === undefined) throw new Error('libp2p has no upgrader')
  libp2p.addEventListener('peer:disconnect', (event: CustomEvent<PeerId>) => {
    roster.gone(event.detail.toString())
    heard.delete(event.detail.toString())
  })
  return { libp2p, upgrader, componentLogger: quiet, roster, heard, refused, peer: libp2p.peerId.toString() }
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

function directoryServices(member: Member) {
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
