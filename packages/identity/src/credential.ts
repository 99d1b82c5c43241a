import { randomUUID } from 'node:crypto'
import {
  type Clock,
  type Credential,
  covers,
  isServicePattern,
  type PeerName,
  PosternError,
  type Role,
  roles,
  statementType,
  systemClock,
} from '@postern/protocol'
import { decodeProtectedHeader, SignJWT } from 'jose'
import { z } from 'zod'
import type { Bulletin } from './bulletin.ts'
import { conceal, partsOf, reveal } from './disclosure.ts'
import type { Signatory } from './statement.ts'

/** What is granted to a node: the limits of its credential. */
export interface Grant {
  readonly name: string
  readonly roles: readonly Role[]
  /** Patterns of services. */
  readonly services: readonly string[]
  /** How long a credential is valid. */
  readonly lifeMs: number
}

/**
 * A signed credential as it travels: an SD-JWT (RFC 9901), `JWS~DISCLOSURE~`. The disclosure holds the service
 * patterns; without it a credential proves who its peer is and says nothing about services.
 */
export type SealedCredential = string

/** Only a verifier makes one: its claims may be relied on until it expires. */
export interface VerifiedCredential extends Credential {
  readonly [verified]: true
  /** As it was shown. */
  readonly sealed: SealedCredential
  /** It has ended, and is good for nothing but to ask an authority for another. */
  readonly lapsed?: true
}
declare const verified: unique symbol

/** A name stands in logs, on terminals and in configs that are written: one line, without control characters. */
export const nameSchema = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u)

const common = {
  iss: z.string(),
  _sd: z.array(z.string()).length(1),
  nbf: z.int(),
  exp: z.int(),
  jti: z.string().min(1).max(64),
}
const credentialSchema = z.object({
  ...common,
  sub: z.string().min(1).max(128),
  name: nameSchema,
  roles: z.array(z.enum(roles)).min(1),
})
const inviteSchema = z.object(common)
const servicesSchema = z.array(z.string().refine(isServicePattern)).max(256)

/** A credential is valid from this long before it was made: the clocks of two hosts may differ by as much. */
const backdateS = 60

/** Times of a statement made now: `iat`, `nbf` and `exp`, in seconds. */
export function validFor(lifeMs: number, clock: Clock): { iat: number; nbf: number; exp: number } {
  const iat = Math.floor(clock.now() / 1000)
  return { iat, nbf: iat - backdateS, exp: iat + Math.floor(lifeMs / 1000) }
}

/** How long a credential was made to be valid, in ms. */
export function lifeOf(credential: Pick<Credential, 'expiresMs' | 'notBeforeMs'>): number {
  return credential.expiresMs - credential.notBeforeMs - backdateS * 1000
}

export async function sealCredential(
  grant: Grant & { readonly peer: PeerName },
  by: Signatory,
  clock: Clock = systemClock,
): Promise<SealedCredential> {
  const { digest, disclosure } = conceal('services', grant.services)
  const claims = { name: grant.name, roles: grant.roles, _sd: [digest], _sd_alg: 'sha-256' }
  const statement = await new SignJWT({ ...claims, ...validFor(grant.lifeMs, clock) })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.credential, kid: by.kid })
    .setIssuer(by.mesh)
    .setSubject(grant.peer)
    .setJti(randomUUID())
    .sign(by.key)
  return `${statement}~${disclosure}~`
}

/** The service patterns that a disclosure reveals: none without one. Throws CREDENTIAL_INVALID when it is not the signed one. */
function servicesIn(disclosure: string, digests: readonly string[]): readonly string[] {
  if (disclosure === '') return []
  try {
    return servicesSchema.parse(reveal('services', disclosure, digests))
  } catch (cause) {
    if (cause instanceof PosternError) throw cause
    throw new PosternError('CREDENTIAL_INVALID', 'the credential discloses something that is not a list of services', {
      cause,
    })
  }
}

export interface Verifier {
  /**
   * Checks signature, type, mesh, peer, time and that nobody has taken it back. Throws CREDENTIAL_INVALID,
   * CREDENTIAL_WRONG_MESH, CREDENTIAL_WRONG_PEER, CREDENTIAL_EXPIRED, CREDENTIAL_EARLY or CREDENTIAL_REVOKED.
   */
  readonly credential: (sealed: SealedCredential, peer: PeerName) => Promise<VerifiedCredential>
  /** As `credential`, but takes one that has ended not longer ago than that: it says what is to be renewed. */
  readonly renewable: (sealed: SealedCredential, peer: PeerName, graceMs: number) => Promise<VerifiedCredential>
  /**
   * As `credential`, but takes one that has ended not longer ago than that: who shows it has none of its roles, and may
   * ask an authority for another.
   */
  readonly shown: (sealed: SealedCredential, peer: PeerName, graceMs: number) => Promise<VerifiedCredential>
  /** As `shown`, but takes an invite too: who shows one is a member without any role. */
  readonly invited: (sealed: SealedCredential, peer: PeerName, graceMs: number) => Promise<VerifiedCredential>
}

/** A verifier for the mesh of a bulletin, by what it says at the time. */
export function verifierOf(bulletin: Bulletin): Verifier {
  const renewable = async (sealed: SealedCredential, peer: PeerName, graceMs: number) => {
    const [statement, disclosure] = partsOf(sealed)
    const claims = ['iss', 'sub', 'nbf', 'exp', 'jti']
    const { payload, signer } = await bulletin.verify(statement, { typ: statementType.credential, claims, graceMs })
    const { data } = credentialSchema.safeParse(payload)
    if (data === undefined) throw new PosternError('CREDENTIAL_INVALID', 'the credential lacks what every one has')
    if (data.iss !== bulletin.mesh) throw new PosternError('CREDENTIAL_WRONG_MESH', 'the credential is of another mesh')
    if (data.sub !== peer) throw new PosternError('CREDENTIAL_WRONG_PEER', 'the credential is of another peer')
    const { name, roles: granted } = data
    const services = servicesIn(disclosure, data._sd)
    return inForce({ ...timesOf(data), signer, peer, name, roles: granted, services, sealed }, bulletin, graceMs)
  }
  const invite = async (sealed: SealedCredential, peer: PeerName) => {
    const [statement] = partsOf(sealed)
    const claims = ['iss', 'nbf', 'exp', 'jti']
    const { payload, signer } = await bulletin.verify(statement, { typ: statementType.invite, claims })
    const { data } = inviteSchema.safeParse(payload)
    if (data === undefined || data.iss !== bulletin.mesh)
      throw new PosternError('CREDENTIAL_INVALID', 'the invite lacks what every one has')
    return inForce({ ...timesOf(data), signer, peer, name: 'invited', roles: [], services: [], sealed }, bulletin, 0)
  }
  const shown = async (sealed: SealedCredential, peer: PeerName, graceMs: number): Promise<VerifiedCredential> => {
    const credential = await renewable(sealed, peer, graceMs)
    if (bulletin.lapse(credential) === undefined) return credential
    return { ...credential, roles: [], services: [], lapsed: true, expiresMs: credential.expiresMs + graceMs }
  }
  return {
    credential: (sealed, peer) => renewable(sealed, peer, 0),
    renewable,
    shown,
    invited: (sealed, peer, graceMs) =>
      typeOf(sealed) === statementType.invite ? invite(sealed, peer) : shown(sealed, peer, graceMs),
  }
}

function timesOf(claims: z.infer<typeof inviteSchema>) {
  return { mesh: claims.iss, id: claims.jti, notBeforeMs: claims.nbf * 1000, expiresMs: claims.exp * 1000 }
}

function inForce(
  credential: Omit<VerifiedCredential, typeof verified>,
  bulletin: Bulletin,
  graceMs: number,
): VerifiedCredential {
  const lapse = bulletin.lapse(credential, graceMs)
  if (lapse === undefined) return credential as VerifiedCredential
  const said = { CREDENTIAL_REVOKED: 'the authority has taken the credential back', CREDENTIAL_EXPIRED: 'it has ended' }
  throw new PosternError(lapse, said[lapse])
}

/** The type that a statement claims, before anything about it is believed. */
function typeOf(sealed: SealedCredential): string | undefined {
  try {
    return decodeProtectedHeader(partsOf(sealed)[0]).typ
  } catch {
    return undefined
  }
}

/** Whether the credential lets its peer have the role and, where one is named, the service. */
export function permits(credential: Credential, role: Role, service?: string): boolean {
  return credential.roles.includes(role) && (service === undefined || covers(credential.services, service))
}
