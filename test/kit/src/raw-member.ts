import { join } from 'node:path'
import {
  generateKey,
  invitedMember,
  issueNode,
  loadMember,
  type Member,
  makeInvite,
  readInvite,
} from '@postern/identity'
import { linkTo, messagesOf, relayOfAddress, sealRoute, startHost } from '@postern/mesh/testing'
import {
  type CircuitAnswer,
  decodeCircuitAnswer,
  noMeter,
  type PeerName,
  protocolId,
  type Role,
  silentLog,
  systemClock,
} from '@postern/protocol'
import type { KitMesh, KitNode } from './mesh.ts'

type Stream = Awaited<ReturnType<Awaited<ReturnType<typeof linkTo>>['newStream']>>
type Answer = CircuitAnswer | 'BROKEN'

/** A member with a genuine credential that says to relays what it likes. */
export interface RawMember extends AsyncDisposable {
  readonly peer: PeerName
  readonly member: Member
  /** A route over relays, that asks the last of them for an echo. */
  route(...relays: readonly KitNode[]): Promise<Buffer>
  /** Links to a relay, or fails where the relay does not want it. */
  link(relay: KitNode): Promise<void>
  /** Opens one more link to a relay that it is linked to. */
  linkAgain(relay: KitNode): Promise<void>
  /** Opens a circuit with whatever octets for a route, and leaves it open. */
  circuit(relay: KitNode, route: Uint8Array): Promise<Answer>
  /** Sends messages of the directory over one stream, and answers with what comes back to each before the stream ends. */
  ask(relay: KitNode, protocol: 'guard' | 'lookup', messages: Iterable<Uint8Array>): Promise<unknown[]>
  /** Sends octets as they are, and waits for the stream to end. */
  tell(relay: KitNode, protocol: keyof typeof protocolId, octets: Uint8Array): Promise<void>
}

/** Issues a member of the mesh, or invites one, which has a bare host in the place of a node. */
export async function rawMember(mesh: KitMesh, name: string, role: Role | 'invited'): Promise<RawMember> {
  return await rawOf(await (role === 'invited' ? invited(mesh, name) : issued(mesh, name, role)))
}

/** One who holds an invite, with a key made for the moment. */
export async function rawInvited(invite: string): Promise<RawMember> {
  return await rawOf(await invitedMember(readInvite(invite), generateKey()))
}

/** A member, whoever it is, with a bare host. */
export async function rawOf(member: Member): Promise<RawMember> {
  const host = await startHost({ member, relay: undefined, clock: systemClock, log: silentLog, meter: noMeter })

  const link = (relay: KitNode) => linkTo(host, addressOf(relay), AbortSignal.timeout(deadlineMs))
  const open = async (relay: KitNode, protocol: keyof typeof protocolId) =>
    await (await link(relay)).newStream(protocolId[protocol], { maxOutboundStreams: maxStreams })

  return {
    peer: host.peer,
    member,
    async route(...relays) {
      const end = { kind: 'end', purpose: 'echo', subject: new Uint8Array() } as const
      return (await sealRoute(relays.map(addressOf), end, systemClock)).octets
    },
    async link(relay) {
      await link(relay)
    },
    async linkAgain(relay) {
      await host.libp2p.dial((await link(relay)).remoteAddr, { force: true })
    },
    async circuit(relay, route) {
      try {
        const stream = await open(relay, 'circuit')
        stream.send(route)
        const [first] = await heard(stream, 1)
        return first === undefined ? 'BROKEN' : decodeCircuitAnswer(first)
      } catch {
        return 'BROKEN'
      }
    },
    async ask(relay, protocol, messages) {
      const answers: unknown[] = []
      const stream = await open(relay, protocol)
      const channel = messagesOf(stream)
      try {
        for (const message of messages) {
          await channel.write(message)
          answers.push(JSON.parse(Buffer.from((await channel.read()).subarray()).toString('utf8')))
        }
        stream.abort(new Error('done'))
      } catch {
        // The relay has ended the stream, or the link.
      }
      return answers
    },
    async tell(relay, protocol, octets) {
      await link(relay)
      try {
        const stream = await open(relay, protocol)
        stream.send(octets)
        await heard(stream, Number.POSITIVE_INFINITY)
        stream.abort(new Error('done'))
      } catch {
        // The relay ends it before anything is said.
      }
    },
    async [Symbol.asyncDispose]() {
      await host.libp2p.stop()
    },
  }
}

async function issued(mesh: KitMesh, name: string, role: Role): Promise<Member> {
  const folder = join(mesh.authority.folder, '..', name)
  await issueNode(mesh.authority, folder, { name, roles: [role], services: ['api'] })
  return await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
}

async function invited(mesh: KitMesh, name: string): Promise<Member> {
  const grant = { name, roles: ['egress'], services: ['api'], lifeMs: 60_000 } as const
  const { text } = await makeInvite(mesh.authority, grant, 60_000)
  return await invitedMember(readInvite(text), generateKey())
}

const deadlineMs = 5000
const maxStreams = 8192

function addressOf({ node }: KitNode) {
  return relayOfAddress(node.status().relay?.addresses[0] ?? '')
}

/** What comes over a stream, until there are so many octets of it or it is over. */
async function heard(stream: Stream, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of stream) {
      chunks.push(chunk.subarray())
      if (Buffer.concat(chunks).length >= bytes) break
    }
  } catch {
    // It was reset: what has come before counts.
  }
  return Buffer.concat(chunks)
}
