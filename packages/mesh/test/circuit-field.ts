import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byteStream } from '@libp2p/utils'
import {
  createAuthority,
  generateKey,
  invitedMember,
  issueNode,
  loadMember,
  type Member,
  makeInvite,
  readInvite,
} from '@postern/identity'
import {
  type CircuitAnswer,
  decodeCircuitAnswer,
  type PeerName,
  protocolId,
  type Role,
  silentLog,
  systemClock,
} from '@postern/protocol'
import { echoEnd } from '../src/circuit/ends.ts'
import { linkTo } from '../src/circuit/open.ts'
import { CircuitRelay } from '../src/circuit/relay.ts'
import { type Hop, sealRoute } from '../src/circuit/route.ts'
import { type Host, startHost } from '../src/host.ts'
import { defaultRelayLimits, type RelayLimits } from '../src/limits/relay-limits.ts'
import { withoutPeer } from '../src/link/address.ts'

/** One relay under test, and who comes to it: all in one process, over real links. */
export class CircuitField implements AsyncDisposable {
  /** What the relay knows of others; whoever it asks for is kept in `asked`. */
  readonly known = new Map<PeerName, readonly string[]>()
  readonly asked: PeerName[] = []
  readonly counted = new Map<string, number>()
  readonly #stack = new AsyncDisposableStack()
  readonly #root = mkdtempSync(join(tmpdir(), 'postern-circuits-'))
  readonly #authority = createAuthority(join(this.#root, 'authority'), 'm')
  #made = 0

  /** A host of a role, or of one who holds an invite; a relay listens. */
  async host(role: Role | 'invited', invite?: string): Promise<Host> {
    const member = role === 'invited' ? await this.#invited(invite ?? (await this.invite())) : await this.#issued(role)
    return await this.#start(member, role === 'relay')
  }

  async invite(): Promise<string> {
    const grant = { name: `guest-${++this.#made}`, roles: ['egress'], services: ['api'], lifeMs: 60_000 } as const
    return (await makeInvite(await this.#authority, grant, 60_000)).text
  }

  /** A relay that passes circuits on and answers echoes. */
  async relay(limits: Partial<RelayLimits> = {}): Promise<{ readonly host: Host; readonly circuits: CircuitRelay }> {
    const member = await this.#issued('relay')
    const host = await this.#start(member, true)
    const addressesOf = async (peer: PeerName) => {
      this.asked.push(peer)
      return this.known.get(peer) ?? []
    }
    const circuits = new CircuitRelay({
      host,
      seed: member.key.libp2p.raw.subarray(0, 32),
      known: { addressesOf },
      limits: { ...defaultRelayLimits, ...limits },
      end: (end) => (end.purpose === 'echo' ? (stream, key) => echoEnd(stream, key, end) : undefined),
      clock: systemClock,
      log: silentLog,
      meter: this,
    })
    await circuits.start()
    return { host, circuits }
  }

  count(name: string, label?: string, by = 1): void {
    const key = label === undefined ? name : `${name}{${label}}`
    this.counted.set(key, (this.counted.get(key) ?? 0) + by)
  }

  /** A port of this host that takes connections and says nothing, and how many it has had. */
  async silent(): Promise<{ readonly address: string; readonly connections: () => number }> {
    let connections = 0
    const sockets = new AsyncDisposableStack()
    const server = createServer((socket) => {
      connections += 1
      socket.on('error', () => {})
      sockets.defer(() => void socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#stack.defer(() => void server.close())
    this.#stack.use(sockets)
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    return { address: `/ip4/127.0.0.1/tcp/${port}`, connections: () => connections }
  }

  async #issued(role: Role): Promise<Member> {
    const name = `${role}-${++this.#made}`
    const folder = join(this.#root, name)
    await issueNode(await this.#authority, folder, { name, roles: [role], services: ['api'] })
    return await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
  }

  async #invited(invite: string): Promise<Member> {
    return await invitedMember(readInvite(invite), generateKey())
  }

  async #start(member: Member, listens: boolean): Promise<Host> {
    const relay = listens ? { listen: ['/ip4/127.0.0.1/tcp/0'], announce: [] } : undefined
    const host = await startHost({ member, relay, clock: systemClock, log: silentLog, meter: this })
    return this.#stack.adopt(host, ({ libp2p }) => libp2p.stop())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** Where a host is reached. */
export function hopOf({ libp2p, peer }: Host): Hop {
  return { peer, addresses: libp2p.getMultiaddrs().map(withoutPeer) }
}

/** A peer that nobody is. */
export function nobody(): PeerName {
  return generateKey().peerId.toString()
}

const echo = { kind: 'end', purpose: 'echo', subject: new Uint8Array() } as const

/** Opens a circuit over the hops, the first of which is dialled where there is no link, and leaves it open. */
export async function circuit(from: Host, ...hops: readonly Hop[]) {
  const [first = { peer: '', addresses: [] }] = hops
  const link = await linkTo(from, first, AbortSignal.timeout(5000))
  const stream = await link.newStream(protocolId.circuit, { maxOutboundStreams: 8192 })
  const bytes = byteStream(stream)
  await bytes.write((await sealRoute(hops, echo, systemClock)).octets)
  const answered: Promise<CircuitAnswer | 'BROKEN'> = bytes.read({ bytes: 1 }).then(
    (octet) => decodeCircuitAnswer(octet.get(0)),
    () => 'BROKEN' as const,
  )
  return { stream, bytes, answered }
}
