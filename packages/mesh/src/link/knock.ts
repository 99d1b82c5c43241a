import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ConnectionProtector, MessageStream, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { inviteSecretOf, type KnockKey, maxInviteLifeMs } from '@postern/identity'
import {
  type Clock,
  decodeKnock,
  encodeKnock,
  type Knock,
  knockNonceSize,
  knockProofInput,
  knockSize,
  knockToleranceMs,
  PosternError,
} from '@postern/protocol'
import { OneTime } from '../one-time.ts'
import { callDirectly } from './direct.ts'
import { oneWrite } from './one-write.ts'
import { tally } from './tally.ts'

const knockDeadlineMs = 3000
/** Connections from one address that may be silent at a time: strangers must not keep members from knocking. */
const maxSilentPerHost = 64
/** What a listener holds of a dialler before it has knocked. */
const maxEarlyBytes = 64 * 1024

export interface KnockInit {
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
  /** What this node knocks with. */
  readonly knock: () => KnockKey
  /** Mesh secrets that are answered to, and what follows from them for those who are invited. */
  readonly heard: () => readonly Buffer[]
  readonly clock: Clock
  readonly refused: (reason: KnockRefusal) => void
}

export type KnockRefusal = 'malformed' | 'late' | 'wrong' | 'replayed' | 'missing' | 'crowded'

/** A knock by an invite tells in the beginning of its nonce until when that is good. */
export function makeKnock({ secret, untilMs }: KnockKey, listener: string, timeMs: number): Buffer {
  const nonce = randomBytes(knockNonceSize)
  if (untilMs !== undefined) nonce.writeBigUInt64BE(BigInt(untilMs))
  return encodeKnock({ nonce, timeMs, proof: prove(secret, listener, nonce, timeMs) })
}

function prove(secret: Buffer, listener: string, nonce: Uint8Array, timeMs: number): Buffer {
  return createHmac('sha256', secret)
    .update(knockProofInput(listener, nonce, timeMs))
    .digest()
}

/** Decides on knocks: a pure judge but for the memory of nonces that it keeps for as long as one could be replayed. */
export class KnockJudge {
  readonly #init: KnockInit
  readonly #listener: string
  readonly #seen: OneTime

  constructor(init: KnockInit, listener: string) {
    this.#init = init
    this.#listener = listener
    this.#seen = new OneTime(init.clock, 2 * knockToleranceMs)
  }

  /** Undefined when the knock is good; the same octets are good once. */
  judge(octets: Uint8Array): KnockRefusal | undefined {
    const knock = decodeKnock(octets)
    if (knock === undefined) return 'malformed'
    const now = this.#init.clock.now()
    if (!this.#keys(knock, now).some((secret) => this.#proves(secret, knock))) return 'wrong'
    // Only who holds the secret can be late, so that an operator may take it for a clock.
    if (Math.abs(knock.timeMs - now) > knockToleranceMs) return 'late'
    return this.#seen.use(Buffer.from(knock.nonce).toString('latin1')) ? undefined : 'replayed'
  }

  /** The mesh's secrets, and those of invites that end when the nonce says, which must be soon enough. */
  #keys({ nonce }: Knock, now: number): readonly Buffer[] {
    const secrets = this.#init.heard()
    const untilMs = Number(Buffer.from(nonce).readBigUInt64BE())
    if (untilMs <= now || untilMs > now + maxInviteLifeMs) return secrets
    return [...secrets, ...secrets.map((secret) => inviteSecretOf(secret, untilMs))]
  }

  #proves(secret: Buffer, { nonce, proof, timeMs }: Knock): boolean {
    return timingSafeEqual(prove(secret, this.#listener, nonce, timeMs), proof)
  }
}

/**
 * The first step of a link (protocols page, section 2): the dialler knocks, and the listener says nothing at all before
 * it has found the knock good.
 */
export function knockProtector(init: KnockInit): (components: { peerId: PeerId }) => ConnectionProtector {
  return ({ peerId }) => {
    const judge = new KnockJudge(init, peerId.toString())
    const silent = new Map<string, number>()
    return {
      async protect(connection: MultiaddrConnection): Promise<MessageStream> {
        callDirectly(connection)
        oneWrite(connection)
        if (init.passed !== undefined) tally(connection, init.passed)
        if (connection.direction === 'outbound') sendKnock(connection, init)
        else await answer(connection, judge, silent, init)
        return connection
      },
    }
  }
}

function sendKnock(connection: MultiaddrConnection, init: KnockInit): void {
  const listener = connection.remoteAddr.getComponents().findLast((part) => part.name === 'p2p')?.value
  if (listener === undefined) {
    throw new PosternError('KNOCK_REFUSED', 'a relay is only dialled by an address that ends in its peer id')
  }
  connection.send(makeKnock(init.knock(), listener, init.clock.now()))
}

async function answer(
  connection: MultiaddrConnection,
  judge: KnockJudge,
  silent: Map<string, number>,
  init: KnockInit,
): Promise<void> {
  const host = connection.remoteAddr.getComponents()[0]?.value ?? ''
  const beside = silent.get(host) ?? 0
  if (beside >= maxSilentPerHost) return refuse(connection, 'crowded', init)
  silent.set(host, beside + 1)
  const refusal = await hear(connection, judge)
  const left = (silent.get(host) ?? 1) - 1
  if (left === 0) silent.delete(host)
  else silent.set(host, left)
  if (refusal !== undefined) refuse(connection, refusal, init)
}

/** Reads the knock, and answers with what is wrong with it. */
async function hear(connection: MultiaddrConnection, judge: KnockJudge): Promise<KnockRefusal | undefined> {
  const bytes = byteStream(connection, { maxBufferSize: maxEarlyBytes })
  try {
    const octets = await bytes.read({ bytes: knockSize, signal: AbortSignal.timeout(knockDeadlineMs) })
    const refusal = judge.judge(octets.subarray())
    if (refusal === undefined) bytes.unwrap()
    return refusal
  } catch {
    return 'missing'
  }
}

function refuse(connection: MultiaddrConnection, reason: KnockRefusal, init: KnockInit): never {
  init.refused(reason)
  const error = new PosternError('KNOCK_REFUSED', `the knock was ${reason}`)
  connection.abort(error)
  throw error
}
