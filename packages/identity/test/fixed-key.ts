import { createPrivateKey, createPublicKey } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { NodeKey } from '../src/index.ts'

/** What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A key that is the same in every run: for octets that are kept and were made with it. */
export function fixedKey(number: number): NodeKey & { readonly seed: Buffer } {
  const seed = Buffer.alloc(32, number)
  const signing = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(signing).export({ format: 'jwk' })
  const libp2p = privateKeyFromRaw(Buffer.concat([seed, Buffer.from(x, 'base64url')]))
  return { seed, signing, libp2p, peerId: peerIdFromPrivateKey(libp2p) as Ed25519PeerId }
}
