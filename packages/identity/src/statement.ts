import type { KeyObject } from 'node:crypto'
import { type Clock, type MeshId, PosternError, remedies, type statementType } from '@postern/protocol'
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { AuthorityKey } from './mesh-file.ts'

/** Who signs for a mesh: one of its authority's keys. */
export interface Signatory {
  readonly mesh: MeshId
  readonly key: KeyObject
  readonly kid: string
}

/** A public key of the authority, and how long what it has signed counts; times in seconds. */
export interface Signer extends AuthorityKey {
  /** When it begins to sign, where it is to replace another. */
  readonly from?: number | undefined
  /** When what it has signed ends to count, where another replaces it. */
  readonly until?: number | undefined
}

/** Which kind of statement is expected, and the claims it must have. */
export interface Expected {
  readonly typ: (typeof statementType)[keyof typeof statementType]
  readonly claims: string[]
  /** How long ago it may have ended; not at all unless said otherwise. */
  readonly graceMs?: number
}

/** A payload that an authority of the mesh has signed, and the id of the key that did. */
export interface Verified {
  readonly payload: JWTPayload
  readonly signer: string
}

/** The keys of a mesh's authority, as statements are checked against them. */
export class KeyRing {
  readonly signers: readonly Signer[]
  readonly #keySet: ReturnType<typeof createLocalJWKSet>

  constructor(signers: readonly Signer[]) {
    this.signers = signers
    this.#keySet = createLocalJWKSet({
      keys: signers.map(({ crv, kid, kty, x }) => ({ kty, crv, x, kid, alg: 'EdDSA' })),
    })
  }

  /** When what a key has signed ends to count, in ms; infinity where nothing is said of it, 0 for an unknown key. */
  endOf(kid: string): number {
    const signer = this.signers.find((known) => known.kid === kid)
    if (signer === undefined) return 0
    return signer.until === undefined ? Number.POSITIVE_INFINITY : signer.until * 1000
  }

  #knows(kid: string): boolean {
    return this.signers.some((known) => known.kid === kid)
  }

  /**
   * Checks a JWS (RFC 7515): that a key has signed it which had not ended by `judge`, this ring unless said otherwise,
   * and that it is of now. Throws CREDENTIAL_INVALID, CREDENTIAL_WRONG_MESH, CREDENTIAL_EXPIRED or CREDENTIAL_EARLY.
   */
  async verify(statement: string, clock: Clock, expected: Expected, judge: KeyRing = this): Promise<Verified> {
    let verified: Verified
    try {
      const { payload, protectedHeader } = await jwtVerify(statement, this.#keySet, {
        algorithms: ['EdDSA'],
        typ: expected.typ,
        currentDate: new Date(clock.now()),
        clockTolerance: (expected.graceMs ?? 0) / 1000,
        requiredClaims: expected.claims,
      })
      verified = { payload, signer: protectedHeader.kid ?? '' }
    } catch (cause) {
      throw explain(cause)
    }
    // The tolerance is for the end alone.
    if ((verified.payload.nbf ?? 0) * 1000 > clock.now()) throw early(verified.payload.nbf)
    if (judge.#knows(verified.signer) && judge.endOf(verified.signer) <= clock.now())
      throw new PosternError('CREDENTIAL_WRONG_MESH', 'the authority no longer uses the key that has signed this', {
        remedy: 'join again',
      })
    return verified
  }
}

function explain(cause: unknown): PosternError {
  if (cause instanceof errors.JWTExpired) {
    return new PosternError('CREDENTIAL_EXPIRED', `the credential was valid until ${dateOf(cause.payload.exp)}`, {
      cause,
      remedy: remedies.CREDENTIAL_EXPIRED,
    })
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'nbf') {
    return early(cause.payload.nbf, cause)
  }
  if (cause instanceof errors.JWKSNoMatchingKey) {
    return new PosternError('CREDENTIAL_WRONG_MESH', 'no authority of this mesh has signed the credential', { cause })
  }
  return new PosternError('CREDENTIAL_INVALID', 'the credential is not one, or was altered', { cause })
}

function early(notBefore: number | undefined, cause?: unknown): PosternError {
  return new PosternError('CREDENTIAL_EARLY', `the credential is valid from ${dateOf(notBefore)} on`, {
    cause,
    remedy: 'compare `date -u` on this host and on that of the authority, and set the clock that is off',
  })
}

/** The last time that a Date can be, in ms (ECMA-262 section 21.4.1.1). */
const lastMs = 8.64e15

/** A NumericDate (RFC 7519 section 2), whatever number it is, for people. */
function dateOf(seconds = 0): string {
  return new Date(Math.max(-lastMs, Math.min(seconds * 1000, lastMs))).toISOString()
}
