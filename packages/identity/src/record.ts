import { createCipheriv, createDecipheriv, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  type Clock,
  decodeSignedRecord,
  encodeMessage,
  type PeerName,
  PosternError,
  readServiceRecord,
  type ServiceRecord,
  type SignedRecord,
  sealedRecordSize,
  statementType,
  systemClock,
} from '@postern/protocol'
import { CompactSign, compactVerify } from 'jose'

const cipher = 'chacha20-poly1305'
const nonceSize = 12
const tagSize = 16
const textSize = sealedRecordSize - nonceSize - tagSize

/** Signs a record with the key of the egress it speaks of. */
export async function signRecord(record: ServiceRecord, key: KeyObject): Promise<string> {
  return await new CompactSign(Buffer.from(JSON.stringify(record)))
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.record })
    .sign(key)
}

/**
 * Seals a record for those who know the name of the service, see `recordKeyOf`. The signature is inside, so that a guard
 * and whoever asks it learn of no egress. Throws RECORD_INVALID where it does not fit.
 */
export function sealRecord(signed: SignedRecord, key: Buffer): Buffer {
  const text = encodeMessage(signed)
  if (text.length > textSize)
    throw new PosternError('RECORD_INVALID', 'the credential is too large to stand in a record')
  const nonce = randomBytes(nonceSize)
  const seal = createCipheriv(cipher, key, nonce, { authTagLength: tagSize })
  const padded = Buffer.alloc(textSize, ' ')
  padded.set(text)
  const octets = Buffer.concat([seal.update(padded), seal.final()])
  return Buffer.concat([nonce, octets, seal.getAuthTag()], sealedRecordSize)
}

/** Opens what `sealRecord` sealed; nothing in it is believed yet. Throws RECORD_INVALID. */
export function openRecord(sealed: Uint8Array, key: Buffer): SignedRecord {
  try {
    const open = createDecipheriv(cipher, key, sealed.subarray(0, nonceSize), { authTagLength: tagSize })
    open.setAuthTag(sealed.subarray(nonceSize + textSize))
    const text = Buffer.concat([open.update(sealed.subarray(nonceSize, nonceSize + textSize)), open.final()])
    const signed = decodeSignedRecord(text)
    if (signed !== undefined) return signed
  } catch (cause) {
    throw new PosternError('RECORD_INVALID', 'the record was sealed by one who does not know the service', { cause })
  }
  throw new PosternError('RECORD_INVALID', 'the sealed record holds no record')
}

/** The egress that a signed record claims to be of, before anything about it is believed. Throws RECORD_INVALID. */
export function subjectOf({ record }: SignedRecord): PeerName {
  try {
    const claims: unknown = JSON.parse(Buffer.from(record.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return String((claims as { egress?: unknown }).egress)
  } catch (cause) {
    throw new PosternError('RECORD_INVALID', 'the record says nothing', { cause })
  }
}

/** Checks that the peer itself signed the record, for itself, and that it is of now. Throws RECORD_INVALID. */
export async function verifyRecord(
  sealed: string,
  egress: PeerName,
  clock: Clock = systemClock,
): Promise<ServiceRecord> {
  try {
    const { payload, protectedHeader } = await compactVerify(sealed, publicKeyOf(egress), { algorithms: ['EdDSA'] })
    const record = readServiceRecord(JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown>)
    if (protectedHeader.typ === statementType.record && record?.egress === egress && record.expiresMs > clock.now()) {
      return record
    }
  } catch (cause) {
    throw new PosternError('RECORD_INVALID', 'the record is not signed by the egress it names', { cause })
  }
  throw new PosternError('RECORD_INVALID', 'the record is of another egress, or of another time')
}

/** The Ed25519 key inside a peer id. Throws KEY_INVALID when the peer id holds none. */
export function rawPublicKeyOf(peer: PeerName): Uint8Array {
  const { publicKey } = peerIdFromString(peer)
  if (publicKey?.type !== 'Ed25519') throw new PosternError('KEY_INVALID', 'the peer id holds no Ed25519 key')
  return publicKey.raw
}

export function publicKeyOf(peer: PeerName): KeyObject {
  const x = Buffer.from(rawPublicKeyOf(peer)).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}
