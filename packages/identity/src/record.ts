import { createPublicKey, type KeyObject } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  type Clock,
  type PeerName,
  PosternError,
  readServiceRecord,
  type ServiceRecord,
  statementType,
  systemClock,
} from '@postern/protocol'
import { CompactSign, compactVerify } from 'jose'

/** Signs a record with the key of the egress it speaks of. */
export async function sealRecord(record: ServiceRecord, key: KeyObject): Promise<string> {
  return await new CompactSign(Buffer.from(JSON.stringify(record)))
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.record })
    .sign(key)
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
