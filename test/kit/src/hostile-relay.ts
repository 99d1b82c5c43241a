import { dirname, join } from 'node:path'
import type { Connection, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { createEgress, type Egress, egressSchema } from '@postern/egress'
import { type Authority, issueNode, loadMember, type Member } from '@postern/identity'
import {
  CircuitRelay,
  Dht,
  defaultRelayLimits,
  type EndServer,
  echoEnd,
  existingLink,
  Guard,
  guardsEnd,
  type Host,
  KnownRelays,
  Lookup,
  linkTo,
  lookupEnd,
  messagesOf,
  openCircuit,
  relayOfAddress,
  sealLookup,
  sealRoute,
  serveTrunks,
  startHost,
  streamPipe,
  upgradeInbound,
  upgradeOutbound,
  withoutPeer,
} from '@postern/mesh/testing'
import {
  type CircuitAnswer,
  decodeCircuitAnswer,
  decodeGuardAnswer,
  encodeCircuitAnswer,
  encodeMessage,
  type GuardAnswer,
  type GuardRequest,
  noMeter,
  type PeerName,
  PosternError,
  protocolId,
  routeSize,
  type SignedRecord,
  silentLog,
  systemClock,
} from '@postern/protocol'
import type { Conduct, Way } from './conduct.ts'
import { Guess } from './guess.ts'
import { type Intruded, intrude } from './intrusion.ts'

/** A circuit that was passed on: what went to the next hop, the sealed route first. */
export interface PassedOn {
  readonly to: PeerName
  readonly onward: Buffer[]
}

export interface HostileOrder {
  readonly authority: Authority
  readonly conduct: Conduct
  /** URL of the backend that it answers from where somebody takes it for an egress of `api`. */
  readonly backend: string
}

const service = 'api'
const deadlineMs = 5000
const trunkEnd = { kind: 'end', purpose: 'trunk', subject: new Uint8Array() } as const
const directory = {
  clock: systemClock,
  log: silentLog,
  meter: noMeter,
  limits: defaultRelayLimits,
}
const tools = { clock: systemClock, log: silentLog, meter: noMeter }

/** A relay whose key and credential are genuine, and whose code is not. */
export class HostileRelay implements AsyncDisposable {
  conduct: Conduct
  readonly member: Member
  /** It has guessed the name of the service. */
  readonly guess: Guess
  readonly passedOn: PassedOn[] = []
  /** Circuits that have arrived. */
  arrived = 0
  readonly #host: Host
  readonly #egress: Egress
  readonly #dht: Dht
  readonly #guard: Guard

  private constructor(member: Member, host: Host, order: HostileOrder) {
    this.conduct = order.conduct
    this.member = member
    this.guess = new Guess(member.knock.secret, service)
    this.#host = host
    const offered = { backends: [order.backend], expose: [{ methods: ['*'], path: '/**' }] }
    this.#egress = createEgress({ config: egressSchema.parse({ services: { [service]: offered } }), ...tools })
    this.#dht = new Dht(host.libp2p, () => {})
    this.#guard = new Guard({ host, dht: this.#dht, mesh: member.mesh.id, ...directory, isAuthority: () => false })
  }

  static async start(order: HostileOrder): Promise<HostileRelay> {
    const folder = join(dirname(order.authority.folder), 'hostile')
    await issueNode(order.authority, folder, { name: 'hostile', roles: ['relay'], services: [] })
    const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
    const host = await startHost({ member, relay: { listen: ['/ip4/127.0.0.1/tcp/0'], announce: [] }, ...tools })
    const relay = new HostileRelay(member, host, order)
    await relay.#serve()
    for (const address of member.mesh.bootstrap)
      await linkTo(host, relayOfAddress(address), AbortSignal.timeout(deadlineMs))
    return relay
  }

  get peer(): PeerName {
    return this.#host.peer
  }

  /** An ordinary relay, but for the streams that it serves and opens. */
  async #serve(): Promise<void> {
    const { libp2p } = this.#host
    const host = this.#host
    const handle = libp2p.handle.bind(libp2p)
    libp2p.handle = (protocol, handler, options) =>
      handle(
        protocol,
        (stream, connection) => this.#instead(String(protocol), stream) ?? handler(stream, connection),
        options,
      )
    libp2p.addEventListener('connection:open', (event: CustomEvent<Connection>) => this.#tapCircuitsOn(event.detail))
    await this.#guard.start()
    const guards = (key: string) => this.#guard.guards(key)
    const addresses = () => libp2p.getMultiaddrs().map(withoutPeer)
    const lookup = new Lookup({ host, dht: this.#dht, mesh: this.member.mesh.id, guards, addresses, ...directory })
    await lookup.start()
    const honest = guardsEnd((key) => lookup.guardsOf(key))
    const guardsAnswered: EndServer = async (stream, replyKey, end) => {
      const said = this.conduct.tell?.()
      if (said === undefined) return await honest(stream, replyKey, end)
      stream.send(sealLookup(said, replyKey))
      await stream.close({ signal: AbortSignal.timeout(deadlineMs) })
    }
    await serveTrunks(host, this.#egress, tools)
    const ends = {
      echo: echoEnd,
      lookup: lookupEnd((id) => this.conduct.records?.() ?? this.#guard.lookup(id)),
      guards: guardsAnswered,
      trunk: undefined,
    }
    const bootstrap = () => this.member.mesh.bootstrap.map(relayOfAddress)
    const known = new KnownRelays({ host, dht: this.#dht, bootstrap })
    const circuits = new CircuitRelay({
      host,
      seed: this.member.key.libp2p.raw.subarray(0, 32),
      known,
      limits: defaultRelayLimits,
      end: (end) => {
        const serve = ends[end.purpose]
        return serve && ((stream, replyKey) => serve(stream, replyKey, end))
      },
      ...tools,
    })
    await circuits.start()
  }

  /** What is done in place of serving a stream as a relay should. */
  #instead(protocol: string, stream: Stream): Promise<void> | undefined {
    const { arrivals, tell } = this.conduct
    if (protocol === protocolId.circuit) this.arrived += 1
    else if (protocol !== protocolId.lookup) return undefined
    if (arrivals === 'hold') return Promise.resolve()
    if (protocol === protocolId.lookup) return tell && this.#answerLookup(stream, tell())
    if (arrivals === 'pose') return this.#pose(stream)
    this.#tap(stream, 'back')
    return undefined
  }

  async #answerLookup(stream: Stream, message: Buffer): Promise<void> {
    const messages = messagesOf(stream)
    await messages.read({ signal: AbortSignal.timeout(deadlineMs) })
    await messages.write(message)
    await stream.close({ signal: AbortSignal.timeout(deadlineMs) })
  }

  /** Says that the circuit has come to its end here, and goes on as an egress does. */
  async #pose(stream: Stream): Promise<void> {
    const bytes = byteStream(stream)
    await bytes.read({ bytes: routeSize, signal: AbortSignal.timeout(deadlineMs) })
    bytes.unwrap()
    stream.send(encodeCircuitAnswer('OK'))
    await upgradeInbound(this.#host, stream, AbortSignal.timeout(deadlineMs))
  }

  #tapCircuitsOn(connection: Connection): void {
    const newStream = connection.newStream.bind(connection)
    connection.newStream = async (protocols, options) => {
      const stream = await newStream(protocols, options)
      if (stream.protocol === protocolId.circuit) {
        const passed = { to: connection.remotePeer.toString(), onward: [] }
        this.passedOn.push(passed)
        this.#tap(stream, 'onward', passed)
      }
      return stream
    }
  }

  #tap(stream: Stream, way: Way, passed?: PassedOn): void {
    const send = stream.send.bind(stream)
    let at = 0
    stream.send = (data) => {
      const octets = Buffer.from(data.subarray())
      passed?.onward.push(octets)
      const before = at
      at += octets.length
      try {
        const instead = this.conduct.pass === undefined ? octets : this.conduct.pass(octets, way, before)
        return instead === undefined || send(instead)
      } catch (error) {
        stream.abort(error as Error)
        return true
      }
    }
  }

  /** Where it is reached, each address ending in its peer id. */
  get addresses(): readonly string[] {
    return this.#host.libp2p.getMultiaddrs().map(String)
  }

  /** Records that egresses have registered here, opened. */
  get registered(): readonly SignedRecord[] {
    return this.#guard.lookup(this.guess.service).map((sealed) => this.guess.open(sealed))
  }

  /** A route to a neighbour, fresh, that asks it to be the end of a trunk. */
  async routeTo(peer: PeerName): Promise<Buffer> {
    return (await sealRoute([{ peer, addresses: [] }], trunkEnd, systemClock)).octets
  }

  /** Opens a circuit's stream to a neighbour, says the octets, and answers with what comes back until it is over. */
  async say(to: PeerName, octets: Buffer): Promise<{ readonly answer: CircuitAnswer; readonly more: Buffer }> {
    const stream = await this.#linkTo(to).newStream(protocolId.circuit)
    const heard: Buffer[] = []
    const pipe = streamPipe(stream)
    await new Promise<void>((over) => {
      pipe.read({ data: (piece) => heard.push(Buffer.from(piece)), drain: () => {}, end: over, close: () => over() })
      pipe.send([octets])
    })
    stream.abort(new Error('enough was heard'))
    const all = Buffer.concat(heard)
    return { answer: decodeCircuitAnswer(all[0]), more: all.subarray(1) }
  }

  /** Says something to a neighbour as an egress does to its guard. */
  async register(guard: PeerName, request: GuardRequest): Promise<GuardAnswer | undefined> {
    const stream = await this.#linkTo(guard).newStream(protocolId.guard)
    const messages = messagesOf(stream)
    await messages.write(encodeMessage(request))
    const answer = await messages.read({ signal: AbortSignal.timeout(deadlineMs) })
    stream.abort(new Error('done'))
    return decodeGuardAnswer(answer.subarray())
  }

  /** Opens a trunk to an egress as an ingress does, and answers with what came of a request on it. */
  async request(egress: PeerName, over: 'link' | 'circuit'): Promise<Intruded> {
    if (over === 'link') return await intrude(this.#linkTo(egress))
    const signal = AbortSignal.timeout(deadlineMs)
    const hops = [{ peer: egress, addresses: [] }]
    const { stream } = await openCircuit(this.#host, hops, trunkEnd, { clock: systemClock, signal })
    return await intrude(await upgradeOutbound(this.#host, stream, egress, signal))
  }

  /** The services that a peer has named to us, in the credential that it has shown last. */
  servicesOf(peer: PeerName): readonly string[] | undefined {
    return this.#host.roster.of(peer)?.services
  }

  #linkTo(peer: PeerName): Connection {
    const link = existingLink(this.#host, peer)
    if (link === undefined) throw new PosternError('NO_RELAY', `no link to ${peer}`)
    return link
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#guard.stop()
    await this.#egress.close()
    await this.#host.libp2p.stop()
  }
}
