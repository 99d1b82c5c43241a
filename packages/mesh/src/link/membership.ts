import type { MultiaddrConnection, SecuredConnection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import {
  disclosed,
  disclosureOf,
  type Member,
  type SealedCredential,
  undisclosed,
  type VerifiedCredential,
} from '@postern/identity'
import {
  type Code,
  decodeHello,
  decodeHelloAnswer,
  encodeHello,
  encodeHelloAnswer,
  type Knock,
  maxHelloSize,
  type PeerName,
  PosternError,
  rank,
} from '@postern/protocol'
import { accountOf } from '../rights.ts'
import { isCircuitAddress } from './address.ts'
import { coalesce } from './coalesce.ts'
import { names } from './disclosure.ts'
import { opens } from './knock.ts'
import { shortLength } from './short-length.ts'

export interface MembershipInit {
  /** Its credential is our own as it is now, with the names of services; see `names` for who is shown those. */
  readonly member: Pick<Member, 'mesh' | 'verifier' | 'sealed' | 'credential'>
  /** The sequence of the newest bulletin here. */
  readonly bulletin: () => number
  /**
   * A peer is who it says and a member, or invited to be one; its newest bulletin has this sequence. What carries the
   * connection may end before there is one.
   */
  readonly proved: (credential: VerifiedCredential, bulletin: number, carrier: MultiaddrConnection) => void
  readonly refused: (code: Code, peer: PeerName) => void
  /** How long the credential of the other side may be over, so that it may ask an authority for another. */
  readonly graceMs: (met: Met) => number
  /** Whether the peer has misbehaved, and is told nothing at all. */
  readonly keptOut: (account: string) => boolean
}

/** Who came to whom, and over what. */
export interface Met {
  /** The other side has come. */
  readonly called: boolean
  readonly onCircuit: boolean
}

const helloDeadlineMs = 5000
const none = new Uint8Array(0)

/**
 * Membership both ways over what encrypts a link or a circuit: no connection comes to be before each side has seen the
 * other's credential and heard that its own was taken. `carrier` is what the encrypted messages travel on.
 */
export async function proveMembership(
  { connection, remotePeer }: SecuredConnection,
  carrier: MultiaddrConnection,
  init: MembershipInit,
  { knock, opening, signal }: Bound,
): Promise<void> {
  if (init.keptOut(remotePeer.toString())) throw new PosternError('BANNED', 'the peer is kept out for a while')
  const onCircuit = isCircuitAddress(carrier.remoteAddr)
  const { verifier } = init.member
  const called = carrier.direction === 'inbound'
  // Only one who comes may hold no more than an invite.
  const verify = (credential: SealedCredential, of: PeerName) =>
    (called ? verifier.invited : verifier.shown)(credential, of, init.graceMs({ called, onCircuit }))
  const greeting = { verify, called, carrier, onCircuit, knock, opening }
  await exchangeHellos({ connection, remotePeer }, greeting, init, signal)
  coalesce(connection, carrier, onCircuit ? rank.circuit : rank.link)
}

/** What a handshake has to do with the knock before it; nothing on a circuit. */
interface Bound {
  readonly signal: AbortSignal | undefined
  /** The knock that came: who came has to say its opening. */
  readonly knock?: Knock | undefined
  /** Of the knock that was made. */
  readonly opening?: Uint8Array | undefined
}

interface Greeting extends Met, Omit<Bound, 'signal'> {
  readonly carrier: MultiaddrConnection
  readonly verify: (credential: SealedCredential, of: PeerName) => Promise<VerifiedCredential>
}

/**
 * The hello of each side, then the answer to it. The one who is called speaks second, and only to a member: it shows its
 * credential to nobody who has merely come, and names its services only to an ingress. The caller names its own behind its
 * answer, when it has seen whom it calls.
 */
async function exchangeHellos(
  secured: SecuredConnection,
  { called, carrier, knock, onCircuit, opening, verify }: Greeting,
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
  const { member } = init
  const disclosesTo = (other: VerifiedCredential) => onCircuit && names(member.credential, other, called)
  const show = (own: SealedCredential) =>
    messages.write(encodeHello({ bulletin: init.bulletin(), opening: opening ?? none, credential: own }), { signal })
  if (!called) await show(undisclosed(member.sealed))
  const octets = await messages.read({ signal })
  let credential: VerifiedCredential
  let bulletin: number
  try {
    const hello = decodeHello(octets.subarray())
    if (hello === undefined && !called && decodeHelloAnswer(octets.subarray())?.accepted === false)
      throw new PosternError('CREDENTIAL_REFUSED', 'the other side does not take our credential')
    if (hello === undefined) throw new PosternError('BAD_MESSAGE', 'the first message is no hello')
    if (knock !== undefined && !opens(knock, hello.opening))
      throw new PosternError('KNOCK_REFUSED', 'the knock was made by another')
    bulletin = hello.bulletin
    credential = await verify(hello.credential, peer)
  } catch (error) {
    init.refused(error instanceof PosternError ? error.code : 'CREDENTIAL_INVALID', peer)
    await messages.write(encodeHelloAnswer({ accepted: false }), { signal })
    await heardOut(messages, signal)
    throw error
  }
  // One who is invited makes another key, and is the same.
  if (credential.roles.length === 0 && init.keptOut(accountOf(credential)))
    throw new PosternError('BANNED', 'the invite is kept out for a while')
  const discloses = disclosesTo(credential)
  if (called) await show(discloses ? member.sealed : undisclosed(member.sealed))
  const disclosure = discloses && !called ? disclosureOf(member.sealed) : ''
  await messages.write(encodeHelloAnswer({ accepted: true, disclosure }), { signal })
  const answer = decodeHelloAnswer((await messages.read({ signal })).subarray())
  if (answer?.accepted !== true) {
    init.refused('CREDENTIAL_REFUSED', peer)
    throw new PosternError('CREDENTIAL_REFUSED', 'the other side does not take our credential')
  }
  if (called && answer.disclosure !== '')
    credential = await verify(disclosed(credential.sealed, answer.disclosure), peer).catch((error: unknown) => {
      init.refused(error instanceof PosternError ? error.code : 'CREDENTIAL_INVALID', peer)
      throw error
    })
  init.proved(credential, bulletin, carrier)
  messages.unwrap()
}

/** Waits until the other side has heard that it is refused: what is torn down at once takes that with it. */
async function heardOut(messages: Pick<ReturnType<typeof lpStream>, 'read'>, signal: AbortSignal): Promise<void> {
  try {
    const answer = decodeHelloAnswer((await messages.read({ signal })).subarray())
    // It took ours, and goes as soon as it has read; one that refuses as well waits for us.
    if (answer?.accepted === true) await messages.read({ signal })
  } catch {
    // It has gone.
  }
}
