import { type Clock, PosternError, type statementType } from '@postern/protocol'
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { AuthorityKey } from './mesh-file.ts'

export type KeySet = ReturnType<typeof createLocalJWKSet>

/** The authority's keys as statements are checked against them. */
export function keySetOf(keys: readonly AuthorityKey[]): KeySet {
  return createLocalJWKSet({ keys: keys.map((key) => ({ ...key, alg: 'EdDSA' })) })
}

/** Which kind of statement is expected, and the claims it must have. */
export interface Expected {
  readonly typ: (typeof statementType)[keyof typeof statementType]
  readonly claims: string[]
}

/**
 * The payload of a JWS (RFC 7515) that an authority of the mesh has signed and that is of now. Throws
 * CREDENTIAL_INVALID, CREDENTIAL_WRONG_MESH, CREDENTIAL_EXPIRED or CREDENTIAL_EARLY.
 */
export async function verifyStatement(
  statement: string,
  keySet: KeySet,
  clock: Clock,
  expected: Expected,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(statement, keySet, {
      algorithms: ['EdDSA'],
      typ: expected.typ,
      currentDate: new Date(clock.now()),
      requiredClaims: expected.claims,
    })
    return payload
  } catch (cause) {
    throw explain(cause)
  }
}

function explain(cause: unknown): PosternError {
  if (cause instanceof errors.JWTExpired) {
    return new PosternError('CREDENTIAL_EXPIRED', `the credential was valid until ${dateOf(cause.payload.exp)}`, {
      cause,
      remedy: 'have the authority issue a new one; if it should still be valid, compare `date -u` with another host',
    })
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'nbf') {
    return new PosternError('CREDENTIAL_EARLY', `the credential is valid from ${dateOf(cause.payload.nbf)} on`, {
      cause,
      remedy: 'compare `date -u` on this host and on that of the authority, and set the clock that is off',
    })
  }
  if (cause instanceof errors.JWKSNoMatchingKey) {
    return new PosternError('CREDENTIAL_WRONG_MESH', 'no authority of this mesh has signed the credential', { cause })
  }
  return new PosternError('CREDENTIAL_INVALID', 'the credential is not one, or was altered', { cause })
}

/** A NumericDate (RFC 7519 section 2) for people. */
function dateOf(seconds = 0): string {
  return new Date(seconds * 1000).toISOString()
}
