import { noise } from '@chainsafe/libp2p-noise'
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  SecureConnectionOptions,
  SecuredConnection,
  StreamMuxerFactory,
} from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import {
  type Member,
  permits,
  type SealedCredential,
  undisclosed,
  type VerifiedCredential,
  type Verifier,
} from '@postern/identity'
import {
  type Code,
  decodeHello,
  encodeHello,
  helloAnswer,
  maxHelloSize,
  type PeerName,
  PosternError,
  protocolId,
  rank,
} from '@postern/protocol'
import { fromString } from 'uint8arrays'
import { isCircuitAddress } from './address.ts'
import { coalesce } from './coalesce.ts'
import { callDirectly } from './direct.ts'
import { wholeMessages } from './noise-messages.ts'
import { shortLength } from './short-length.ts'
import { LinkTls } from './tls.ts'

export interface MembershipInit {
  readonly member: Pick<Member, 'mesh' | 'verifier'>
  /**
   * Our own credential as it is now, with the names of services. Those are shown on circuits alone, to whom we call and to
   * an ingress that calls us, once it has proved to be one.
   */
  readonly credential: () => SealedCredential
  /** The sequence of the newest bulletin here. */
  readonly bulletin: () => number
  /** A peer is who it says and a member, or invited to be one; its newest bulletin has this sequence. */
  readonly proved: (credential: VerifiedCredential, bulletin: number) => void
  readonly refused: (code: Code, peer: PeerName) => void
  /** How long the credential of the other side may be over, so that it may ask an authority for another. */
  readonly graceMs: (met: Met) => number
  /** Whether the peer has misbehaved, and is told nothing at all. */
  readonly keptOut: (peer: PeerName) => boolean
}

/** Who came to whom, and over what. */
export interface Met {
  /** The other side has come. */
  readonly called: boolean
  readonly onCircuit: boolean
}

type NoiseComponents = Parameters<ReturnType<typeof noise>>[0]
type Secured = SecuredConnection & { streamMuxer?: StreamMuxerFactory }

/** What `onProgress` of a dial hears when the listener has answered, and so has found the knock good. */
export const knockAnswered = 'postern:knock-answered'
interface Dialled {
  readonly onProgress?: (event: { readonly type: string }) => void
}

const helloDeadlineMs = 5000
const { accepted, refused } = helloAnswer

/**
 * TLS on links and Noise on circuits, with the check of membership inside: no connection comes to be before each side
 * has seen the other's credential and heard that its own was taken.
 */
export function memberEncrypter(init: MembershipInit): (components: NoiseComponents) => ConnectionEncrypter {
  const prologueBytes = fromString(`postern ${init.member.mesh.id}`)
  return (components) => {
    const circuits = noise({ prologueBytes })(components)
    const links = new LinkTls(components.privateKey)
    const secure = (stream: MessageStream, options?: SecureConnectionOptions): Promise<Secured> => {
      const carrier = stream as MultiaddrConnection
      if (!isCircuitAddress(carrier.remoteAddr)) return links.secure(carrier, options)
      const called = carrier.direction === 'inbound'
      return called ? circuits.secureInbound(stream, options) : circuits.secureOutbound(stream, options)
    }
    return {
      protocol: protocolId.link,
      [Symbol.toStringTag]: '@postern/member-encrypter',
      secureInbound: async (connection, options) => admit(init, connection, await secure(connection, options), options),
      secureOutbound: async (connection, options: SecureConnectionOptions & Dialled = {}) => {
        options.onProgress?.({ type: knockAnswered })
        return admit(init, connection, await secure(connection, options), options)
      },
    } as ConnectionEncrypter
  }
}

/** Finishes an upgrade: membership both ways, then coalescing. */
async function admit(
  init: MembershipInit,
  connection: MessageStream,
  secured: Secured,
  options?: SecureConnectionOptions,
): Promise<Secured> {
  const peer = secured.remotePeer.toString()
  if (init.keptOut(peer)) throw new PosternError('BANNED', 'the peer is kept out for a while')
  const carrier = connection as MultiaddrConnection
  const onCircuit = isCircuitAddress(carrier.remoteAddr)
  const shown = onCircuit ? init.credential() : undisclosed(init.credential())
  if (onCircuit) {
    callDirectly(secured.connection)
    wholeMessages(secured.connection)
  }
  const { verifier } = init.member
  const called = carrier.direction === 'inbound'
  // Only one who comes may hold no more than an invite.
  const verify = (credential: SealedCredential, of: PeerName) =>
    (called ? verifier.invited : verifier.shown)(credential, of, init.graceMs({ called, onCircuit }))
  await exchangeHellos(secured, { shown, verify, waits: called && onCircuit }, init, options?.signal)
  coalesce(secured.connection, carrier, onCircuit ? rank.circuit : rank.link)
  return secured
}

interface Greeting {
  readonly shown: SealedCredential
  readonly verify: Verifier['credential']
  /** Whether ours comes second: whole for an ingress, without the names of services for anybody else. */
  readonly waits: boolean
}

async function exchangeHellos(
  secured: Secured,
  { shown, verify, waits }: Greeting,
  init: MembershipInit,
  outer?: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.timeout(helloDeadlineMs)
  const signal = outer === undefined ? deadline : AbortSignal.any([outer, deadline])
  const messages = lpStream(secured.connection, {
    lengthDecoder: shortLength,
    maxDataLength: maxHelloSize,
    maxBufferSize: 256 * 1024,
  })
  const peer = secured.remotePeer.toString()
  const show = (own: SealedCredential) =>
    messages.write(encodeHello({ bulletin: init.bulletin(), credential: own }), { signal })
  if (!waits) await show(shown)
  const octets = await messages.read({ signal })
  let credential: VerifiedCredential
  let bulletin: number
  try {
    const hello = decodeHello(octets.subarray())
    if (hello === undefined) throw new PosternError('BAD_MESSAGE', 'the first message is no hello')
    bulletin = hello.bulletin
    credential = await verify(hello.credential, peer)
  } catch (error) {
    init.refused(error instanceof PosternError ? error.code : 'CREDENTIAL_INVALID', peer)
    if (waits) await show(undisclosed(shown))
    await messages.write(Uint8Array.of(refused), { signal })
    await heardOut(messages, signal)
    throw error
  }
  if (waits) await show(permits(credential, 'ingress') ? shown : undisclosed(shown))
  await messages.write(Uint8Array.of(accepted), { signal })
  const answer = await messages.read({ signal })
  if (answer.byteLength !== 1 || answer.get(0) !== accepted) {
    init.refused('CREDENTIAL_REFUSED', peer)
    throw new PosternError('CREDENTIAL_REFUSED', 'the other side does not take our credential')
  }
  init.proved(credential, bulletin)
  messages.unwrap()
}

/** Waits until the other side has heard that it is refused: what is torn down at once takes that with it. */
async function heardOut(messages: Pick<ReturnType<typeof lpStream>, 'read'>, signal: AbortSignal): Promise<void> {
  try {
    const answer = await messages.read({ signal })
    // It took ours, and goes as soon as it has read; one that refuses as well waits for us.
    if (answer.get(0) === accepted) await messages.read({ signal })
  } catch {
    // It has gone.
  }
}
