import { createHash, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import {
  type Clock,
  type Credential,
  covers,
  isServicePattern,
  type MeshId,
  type PeerName,
  PosternError,
  type Role,
  roles,
  statementType,
  systemClock,
} from '@postern/protocol'
import { SignJWT } from 'jose'
import { z } from 'zod'
import type { AuthorityKey } from './mesh-file.ts'
import type { Revocations } from './revocations.ts'
import { keySetOf, verifyStatement } from './statement.ts'

/** What an authority is asked to state; nothing of it is signed yet. */
export interface CredentialDraft {
  readonly peer: PeerName
  readonly name: string
  readonly roles: readonly Role[]
  readonly services: readonly string[]
  readonly lifeMs: number
}

/**
 * A signed credential as it travels: an SD-JWT (RFC 9901), `JWS~DISCLOSURE~`. The disclosure holds the service
 * patterns; without it a credential proves who its peer is and says nothing about services.
 */
export type SealedCredential = string

/** The credential as a relay may see it: without the names of services. */
export function undisclosed(sealed: SealedCredential): SealedCredential {
  return `${sealed.split('~', 1)[0] ?? ''}~`
}

/** Only `verifyCredential` makes one: its claims may be relied on until it expires. */
export interface VerifiedCredential extends Credential {
  readonly [verified]: true
  /** As it was shown. */
  readonly sealed: SealedCredential
}
declare const verified: unique symbol

const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(128),
  name: z.string().min(1).max(64),
  roles: z.array(z.enum(roles)).min(1),
  _sd: z.array(z.string()).length(1),
  nbf: z.number().int(),
  exp: z.number().int(),
  jti: z.string().min(1).max(64),
})

const disclosureSchema = z.tuple([
  z.string(),
  z.literal('services'),
  z.array(z.string().refine(isServicePattern)).max(256),
])

/** A credential is valid from this long before it was made: the clocks of two hosts may differ by as much. */
const backdateS = 60

export async function sealCredential(
  draft: CredentialDraft,
  by: { mesh: MeshId; key: KeyObject; kid: string },
  clock: Clock = systemClock,
): Promise<SealedCredential> {
  const now = Math.floor(clock.now() / 1000)
  const salt = randomBytes(16).toString('base64url')
  const disclosure = Buffer.from(JSON.stringify([salt, 'services', draft.services])).toString('base64url')
  const statement = await new SignJWT({
    name: draft.name,
    roles: draft.roles,
    _sd: [digestOf(disclosure)],
    _sd_alg: 'sha-256',
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.credential, kid: by.kid })
    .setIssuer(by.mesh)
    .setSubject(draft.peer)
    .setIssuedAt(now)
    .setNotBefore(now - backdateS)
    .setExpirationTime(now + Math.floor(draft.lifeMs / 1000))
    .setJti(randomUUID())
    .sign(by.key)
  return `${statement}~${disclosure}~`
}

function digestOf(disclosure: string): string {
  return createHash('sha256').update(disclosure).digest('base64url')
}

/** The service patterns that a disclosure reveals: none without one. Throws CREDENTIAL_INVALID when it is not the signed one. */
function disclosed(disclosure: string | undefined, digests: readonly string[]): readonly string[] {
  if (disclosure === undefined || disclosure === '') return []
  try {
    const parts = disclosureSchema.parse(JSON.parse(Buffer.from(disclosure, 'base64url').toString('utf8')))
    if (digests.includes(digestOf(disclosure))) return parts[2]
  } catch (cause) {
    throw new PosternError('CREDENTIAL_INVALID', 'the credential discloses something that is not a list of services', {
      cause,
    })
  }
  throw new PosternError('CREDENTIAL_INVALID', 'the credential discloses what its authority has not signed')
}

export interface Verifier {
  /**
   * Checks signature, type, mesh, peer, time and that nobody has taken it back. Throws CREDENTIAL_INVALID,
   * CREDENTIAL_WRONG_MESH, CREDENTIAL_WRONG_PEER, CREDENTIAL_EXPIRED, CREDENTIAL_EARLY or CREDENTIAL_REVOKED.
   */
  credential(sealed: SealedCredential, peer: PeerName): Promise<VerifiedCredential>
}

/** A verifier for one mesh; the keys are the authority's. Without a list of revocations it knows of none. */
export function verifierOf(
  mesh: { readonly id: MeshId; readonly keys: readonly AuthorityKey[] },
  clock: Clock = systemClock,
  revocations?: Pick<Revocations, 'covers'>,
): Verifier {
  const keySet = keySetOf(mesh.keys)
  const expected = { typ: statementType.credential, claims: ['iss', 'sub', 'nbf', 'exp', 'jti'] }
  return {
    async credential(sealed, peer) {
      const [statement = '', disclosure] = sealed.split('~')
      const payload = await verifyStatement(statement, keySet, clock, expected)
      const { data: claims } = claimsSchema.safeParse(payload)
      if (claims === undefined)
        throw new PosternError('CREDENTIAL_INVALID', 'the credential lacks what every credential has')
      if (claims.iss !== mesh.id) throw new PosternError('CREDENTIAL_WRONG_MESH', 'the credential is of another mesh')
      if (claims.sub !== peer) throw new PosternError('CREDENTIAL_WRONG_PEER', 'the credential is of another peer')
      if (revocations?.covers({ peer, id: claims.jti }) === true)
        throw new PosternError('CREDENTIAL_REVOKED', 'the authority has taken the credential back')
      const { name, roles: granted } = claims
      return {
        mesh: claims.iss,
        peer: claims.sub,
        id: claims.jti,
        name,
        roles: granted,
        sealed,
        services: disclosed(disclosure, claims._sd),
        notBeforeMs: claims.nbf * 1000,
        expiresMs: claims.exp * 1000,
      } as unknown as VerifiedCredential
    },
  }
}

/** Whether the credential lets its peer have the role and, where one is named, the service. */
export function permits(credential: Credential, role: Role, service?: string): boolean {
  return credential.roles.includes(role) && (service === undefined || covers(credential.services, service))
}
