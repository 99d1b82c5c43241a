import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { maxAdmissionSize, maxEnrolmentSize } from '@postern/identity'
import {
  type Clock,
  type Code,
  type Log,
  type Meter,
  operationCodes,
  type PeerName,
  PosternError,
  protocolId,
  type RelayAddress,
  reasonOf,
} from '@postern/protocol'
import { existingLink, openCircuit } from './circuit/open.ts'
import { type Hop, peersOf } from './circuit/route.ts'
import { upgradeOutbound } from './circuit/upgrade.ts'
import { Finder, type FindInit, type Wanted } from './directory/find.ts'
import type { Host } from './host.ts'
import { EnrolmentGate } from './limits/enrolments.ts'
import { isCircuitAddress } from './link/address.ts'
import { shortLength } from './link/short-length.ts'
import { PathChooser } from './path.ts'

const answerDeadlineMs = 10_000
const openDeadlineMs = 10_000
const end = { kind: 'end', purpose: 'trunk', subject: new Uint8Array() } as const

/** Decides on a request for a credential, see `admit` of identity. */
export type Admit = (request: string) => Promise<string>

/** What an authority answers: the admission, or why there is none. */
type Answer =
  | { readonly admission: string }
  | { readonly code: Code; readonly message: string; readonly remedy?: string }

interface ServeTools {
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** At an authority: answers requests for credentials, of members and of those who are invited, over circuits alone. */
export async function serveEnrolment(host: Host, admit: Admit, tools: ServeTools): Promise<void> {
  const gate = new EnrolmentGate(tools)
  const gated = (peer: PeerName) => async (request: string) => {
    const asker = host.roster.of(peer)
    if (asker !== undefined && gate.passes(asker)) return await admit(request)
    throw new PosternError('BUSY', 'the authority is asked too often', { remedy: 'try again in a minute' })
  }
  await host.libp2p.handle(
    protocolId.enrol,
    (stream, connection) => {
      serve(stream, connection, gated(connection.remotePeer.toString()), tools).catch((error: Error) =>
        stream.abort(error),
      )
    },
    { maxInboundStreams: 1 },
  )
}

async function serve(stream: Stream, connection: Connection, admit: Admit, { log, meter }: ServeTools): Promise<void> {
  const peer = connection.remotePeer.toString()
  if (!isCircuitAddress(connection.remoteAddr)) throw new PosternError('BAD_MESSAGE', 'not over a circuit')
  const signal = AbortSignal.timeout(answerDeadlineMs)
  const messages = messagesOf(stream)
  const request = Buffer.from((await messages.read({ signal })).subarray()).toString('latin1')
  const answer = await admit(request).then(
    (admission): Answer => ({ admission }),
    (error: unknown): Answer => {
      const known = error instanceof PosternError ? error : new PosternError('INTERNAL', 'the authority failed')
      meter.count('enrolments_refused', known.code)
      log[known.code === 'BUSY' ? 'debug' : 'warn']('enrolment refused', {
        peer,
        code: known.code,
        reason: reasonOf(error),
      })
      const { code, message, remedy } = known
      return { code, message, ...(remedy === undefined ? {} : { remedy }) }
    },
  )
  await messages.write(Buffer.from(JSON.stringify(answer)), { signal })
  await stream.close({ signal })
}

function messagesOf(stream: Stream) {
  return lpStream(stream, {
    lengthDecoder: shortLength,
    maxDataLength: maxAdmissionSize,
    maxBufferSize: 2 * maxAdmissionSize,
  })
}

export interface AskInit extends Omit<FindInit, 'paths'> {
  readonly host: Host
  /** Relays of the node's own choosing; those linked with one that is a relay itself. */
  readonly relays: { readonly linked: readonly RelayAddress[]; readonly known: readonly RelayAddress[] }
  /** Where the authority is found. */
  readonly wanted: () => Wanted
  readonly clock: Clock
  readonly log: Log
}

/**
 * Asks an authority of the mesh, over a circuit of two relays, so that none learns both who asks and where the authority
 * is; over one where the mesh has no more. Throws NO_RELAY, NO_AUTHORITY, or what the authority refuses with.
 */
export async function askAuthority(init: AskInit, request: string): Promise<string> {
  if (request.length > maxEnrolmentSize) throw new PosternError('BAD_MESSAGE', 'the request is too large')
  let cause: unknown
  for (const { authority, hops } of await waysToAuthority(init)) {
    try {
      return await ask(init, authority, hops, request)
    } catch (error) {
      if (error instanceof Refusal) throw error.cause
      init.log.debug('authority did not answer', { peer: authority, reason: reasonOf(error) })
      cause = error
    }
  }
  throw new PosternError('NO_AUTHORITY', 'no authority of the mesh can be reached', {
    cause,
    remedy: 'have its operator run a node of the role authority, or use files: postern join --offline',
  })
}

/** What an authority has decided is not asked of another. */
class Refusal extends Error {}

async function ask(init: AskInit, authority: PeerName, hops: readonly Hop[], request: string): Promise<string> {
  const { clock, host } = init
  const signal = AbortSignal.timeout(openDeadlineMs)
  const { stream } = await openCircuit(host, hops, end, { clock, signal })
  const connection = await upgradeOutbound(host, stream, authority, signal)
  host.ways.set(connection, peersOf(hops.slice(0, -1)))
  try {
    const messages = messagesOf(await connection.newStream(protocolId.enrol, { signal }))
    await messages.write(Buffer.from(request, 'latin1'), { signal })
    const octets = await messages.read({ signal: AbortSignal.timeout(answerDeadlineMs) })
    return admissionIn(Buffer.from(octets.subarray()).toString('utf8'))
  } finally {
    await connection
      .close({ signal: AbortSignal.timeout(openDeadlineMs) })
      .catch((error: Error) => connection.abort(error))
  }
}

function admissionIn(text: string): string {
  const answer = JSON.parse(text) as { [Name in 'admission' | 'code' | 'message' | 'remedy']?: unknown }
  if (typeof answer.admission === 'string') return answer.admission
  const code = [...operationCodes, 'BUSY' as const].find((known) => known === answer.code) ?? 'CREDENTIAL_REFUSED'
  const remedy = typeof answer.remedy === 'string' ? { remedy: answer.remedy } : {}
  throw new Refusal('refused', { cause: new PosternError(code, String(answer.message), remedy) })
}

/** The relays that a relay is linked with, whoever dialled: it has chosen none. */
export function linkedRelays(host: Host): AskInit['relays'] {
  const peers = host.libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString())
  const linked = [...new Set(peers)]
    .filter((peer) => existingLink(host, peer) !== undefined && host.roster.with(peer, 'relay') !== undefined)
    .map((peer) => ({ peer, addresses: [] }))
  return { linked, known: linked }
}

/** Ways to authorities, best first: one that is linked here, as to a guard, then those found over the directory. */
async function waysToAuthority(init: AskInit): Promise<Array<{ authority: PeerName; hops: readonly Hop[] }>> {
  const { host, relays } = init
  const near = host.libp2p
    .getConnections()
    .filter(({ remoteAddr }) => !isCircuitAddress(remoteAddr))
    .map(({ remotePeer }) => remotePeer.toString())
    .filter((peer) => host.roster.with(peer, 'authority') !== undefined)
  if (near.length > 0) return near.map((authority) => ({ authority, hops: [{ peer: authority, addresses: [] }] }))
  const pathOf = (length: number) =>
    new PathChooser({ relays: length, entries: () => relays.linked, known: () => relays.known })
  const two = pathOf(2)
  const one = pathOf(1)
  // Where the entry is the only guard there is no second relay to go over.
  const to = (guards: readonly Hop[], tried: Set<string>) => {
    const behindAnother = guards.filter((guard) => relays.linked.some(({ peer }) => peer !== guard.peer))
    return behindAnother.length > 0 ? two.to(behindAnother, tried) : one.to(guards, tried)
  }
  const finder = new Finder({ ...init, paths: { toDirectory: (asked) => one.toDirectory(asked), to } })
  const found = await finder.find(init.wanted())
  return found.flatMap(({ egress, guards }) => {
    const tried = new Set<string>()
    return guards.map(() => ({ authority: egress, hops: [...to(guards, tried), { peer: egress, addresses: [] }] }))
  })
}
