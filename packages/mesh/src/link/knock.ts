import { createCipheriv, createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { inviteSecretOf, type KnockKey, knockMaskOf, maxInviteLifeMs } from '@postern/identity'
import {
  type Clock,
  decodeKnock,
  encodeKnock,
  type Knock,
  knockMaskInput,
  knockNonceSize,
  knockOpeningSize,
  knockProofInput,
  knockToleranceMs,
  maxKnockPadding,
} from '@postern/protocol'
import { OneTime } from '../one-time.ts'

/**
 * Why a connection got no further than its knock. `stale`: it was made before this node started, and may have been used
 * then. `crowded`: it gave way to newer ones before it had knocked.
 */
export type KnockRefusal = 'late' | 'stale' | 'wrong' | 'replayed' | 'missing' | 'crowded'

/** A knock for one listener, its padding included: without the key of the mask, random octets of a random number. */
export function makeKnock(
  { mask, secret, untilMs = 0 }: KnockKey,
  listener: string,
  timeMs: number,
  opening: Uint8Array = randomBytes(knockOpeningSize),
): Buffer {
  const nonce = nonceOf(opening)
  const knock = { nonce, timeMs, untilMs, padding: randomInt(maxKnockPadding + 1) }
  const head = encodeKnock({ ...knock, proof: prove(secret, listener, knock) })
  return Buffer.concat([masked(head, mask, listener), randomBytes(knock.padding)])
}

function nonceOf(opening: Uint8Array): Buffer {
  return createHash('sha256').update(opening).digest().subarray(0, knockNonceSize)
}

/** Whether who says the opening has made the knock. It is said inside the handshake that the knock is for, and nowhere else. */
export function opens({ nonce }: Pick<Knock, 'nonce'>, opening: Uint8Array): boolean {
  return timingSafeEqual(nonceOf(opening), nonce)
}

function prove(secret: Buffer, listener: string, knock: Omit<Knock, 'proof'>): Buffer {
  return createHmac('sha256', secret).update(knockProofInput(listener, knock)).digest()
}

/** Masks the head of a knock, or takes the mask off: ChaCha20 (RFC 8439) under a key that the nonce makes good once. */
function masked(head: Uint8Array, mask: Buffer, listener: string): Buffer {
  const nonce = head.subarray(0, knockNonceSize)
  const key = createHmac('sha256', mask).update(knockMaskInput(listener, nonce)).digest()
  const rest = createCipheriv('chacha20', key, Buffer.alloc(16)).update(head.subarray(knockNonceSize))
  return Buffer.concat([nonce, rest])
}

export interface KnockJudgeInit {
  /** Mesh secrets that are answered to, and what follows from them for those who are invited. */
  readonly heard: () => readonly Buffer[]
  readonly clock: Clock
  /** How long this node has run, in ms: it knows nothing of the knocks that were used before. */
  readonly ageMs: () => number
}

/** Decides on knocks: a pure judge but for the memory of nonces that it keeps for as long as one could be replayed. */
export class KnockJudge {
  readonly #init: KnockJudgeInit
  readonly #listener: string
  readonly #seen: OneTime

  constructor(init: KnockJudgeInit, listener: string) {
    this.#init = init
    this.#listener = listener
    this.#seen = new OneTime(init.clock, 2 * knockToleranceMs)
  }

  /** The knock whose head this is, or why it is none; the same octets are good once. */
  judge(head: Uint8Array): Knock | KnockRefusal {
    const now = this.#init.clock.now()
    for (const secret of this.#init.heard()) {
      const knock = decodeKnock(masked(head, knockMaskOf(secret), this.#listener))
      const key = knock && keyOf(secret, knock, now)
      if (knock === undefined || key === undefined) continue
      if (!timingSafeEqual(prove(key, this.#listener, knock), knock.proof)) continue
      // Only who holds the secret can be late, so that an operator may take it for a clock.
      if (Math.abs(knock.timeMs - now) > knockToleranceMs) return 'late'
      if (now - knock.timeMs > this.#init.ageMs()) return 'stale'
      return this.#seen.use(Buffer.from(knock.nonce).toString('latin1')) ? knock : 'replayed'
    }
    return 'wrong'
  }
}

/** What a knock must be proved with: the mesh's secret, or that of an invite that ends when the knock says, and soon enough. */
function keyOf(secret: Buffer, { untilMs }: Knock, now: number): Buffer | undefined {
  if (untilMs === 0) return secret
  return untilMs > now && untilMs <= now + maxInviteLifeMs ? inviteSecretOf(secret, untilMs) : undefined
}
