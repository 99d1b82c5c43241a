import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type PeerName, PosternError, statementType } from '@postern/protocol'
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { type Bulletin, maxBulletinSize } from './bulletin.ts'
import type { SealedCredential } from './credential.ts'
import type { Membership } from './issue.ts'
import type { NodeKey } from './keys.ts'
import { meshFileSchema } from './mesh-file.ts'
import { publicKeyOf } from './record.ts'
import type { Signatory } from './statement.ts'

/** Ceilings, in characters. */
export const maxEnrolmentSize = 16 * 1024
export const maxStatementSize = 4096
export const maxAdmissionSize = 2 * maxBulletinSize

/** The longest that a replaced key may live on. */
export const maxOverlapMs = 30 * 24 * 3600_000

/** By what right a credential is asked for. */
export type Claim =
  | { readonly invite: string }
  | { readonly credential: SealedCredential }
  /** The credential of another key, which is to end after a time: `replacement` is signed by that key. */
  | { readonly credential: SealedCredential; readonly replacement: string; readonly overlapMs: number }

const replyKeySchema = z.object({ kty: z.literal('OKP'), crv: z.literal('X25519'), x: z.string().length(43) })
/** The public half of a reply key, JWK (RFC 8037). */
export type ReplyKey = z.infer<typeof replyKeySchema>

const requestSchema = z.object({
  sub: z.string().min(1).max(128),
  reply: replyKeySchema,
  invite: z.string().max(maxStatementSize).optional(),
  credential: z.string().max(maxStatementSize).optional(),
  replacement: z.string().max(maxStatementSize).optional(),
  overlapMs: z.int().min(0).optional(),
})
const admissionSchema = z.strictObject({
  credential: z.string().max(maxStatementSize),
  mesh: meshFileSchema,
  secret: z.string().length(43),
  bulletin: z.string().max(maxBulletinSize),
})

/** A key to which an answer is encrypted: made for one request. */
export function replyKey(): KeyObject {
  return generateKeyPairSync('x25519').privateKey
}

/**
 * A request for a credential, signed by the key that it is for: good for whoever carries it, on the mesh or in a file,
 * because what it is answered with only the holder of the reply key can read.
 */
export async function sealEnrolment(key: NodeKey, reply: KeyObject, claim: Claim): Promise<string> {
  const { crv, kty, x } = createPublicKey(reply).export({ format: 'jwk' })
  return await new SignJWT({ reply: { kty, crv, x }, ...claim })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.enrolment })
    .setSubject(key.peerId.toString())
    .sign(key.signing)
}

/** States, with the key that is to be replaced, by which peer. */
export async function sealReplacement(old: NodeKey, by: PeerName): Promise<string> {
  return await new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.replacement })
    .setSubject(by)
    .sign(old.signing)
}

/** A request that the key it is for has signed; whether it is to be granted is not looked at yet. */
export interface Enrolment {
  readonly peer: PeerName
  readonly replyKey: ReplyKey
  readonly claim: Claim
}

/** Throws BAD_MESSAGE. */
export async function verifyEnrolment(sealed: string): Promise<Enrolment> {
  try {
    if (sealed.length > maxEnrolmentSize) throw new Error('too large')
    const claims = requestSchema.parse(JSON.parse(payloadOf(sealed)))
    await verifySigned(sealed, claims.sub, statementType.enrolment)
    return { peer: claims.sub, replyKey: claims.reply, claim: claimOf(claims) }
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'this is no request for a credential, or it was altered', { cause })
  }
}

function claimOf({ credential, invite, overlapMs, replacement }: z.infer<typeof requestSchema>): Claim {
  if (invite !== undefined) return { invite }
  if (credential === undefined) throw new Error('neither an invite nor a credential')
  return replacement === undefined ? { credential } : { credential, replacement, overlapMs: overlapMs ?? 0 }
}

/** That the old peer itself wants to be replaced by the new one. Throws BAD_MESSAGE. */
export async function verifyReplacement(sealed: string, old: PeerName, by: PeerName): Promise<void> {
  try {
    if (sealed.length > maxStatementSize) throw new Error('too large')
    await verifySigned(sealed, old, statementType.replacement)
    const { sub } = JSON.parse(payloadOf(sealed)) as { sub?: unknown }
    if (sub !== by) throw new Error('it names another peer')
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'the key that is to be replaced has not said so', { cause })
  }
}

async function verifySigned(sealed: string, peer: PeerName, typ: string): Promise<void> {
  const { protectedHeader } = await compactVerify(sealed, publicKeyOf(peer), { algorithms: ['EdDSA'] })
  if (protectedHeader.typ !== typ) throw new Error(`the type is ${String(protectedHeader.typ)}`)
}

/** What a statement says, before anything about it is believed. */
function payloadOf(sealed: string): string {
  return Buffer.from(sealed.split('.')[1] ?? '', 'base64url').toString('utf8')
}

/** Signs what was granted, and encrypts it to who asked (JWE, RFC 7516). */
export async function sealAdmission(membership: Membership, to: ReplyKey, by: Signatory): Promise<string> {
  const signed = await new CompactSign(Buffer.from(JSON.stringify(membership)))
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.admission, kid: by.kid })
    .sign(by.key)
  return await new CompactEncrypt(Buffer.from(signed))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
    .encrypt(createPublicKey({ key: to, format: 'jwk' }))
}

/** Opens the answer to a request, by the key that was made for it. Throws BAD_MESSAGE where it is not the authority's. */
export async function openAdmission(sealed: string, reply: KeyObject, bulletin: Bulletin): Promise<Membership> {
  try {
    if (sealed.length > maxAdmissionSize) throw new Error('too large')
    const { plaintext } = await compactDecrypt(sealed, reply, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    const signed = Buffer.from(plaintext).toString('latin1')
    const { payload } = await bulletin.verify(signed, { typ: statementType.admission, claims: [] })
    return admissionSchema.parse(payload)
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'the answer is not from an authority of the mesh, or is to somebody else', {
      cause,
    })
  }
}
