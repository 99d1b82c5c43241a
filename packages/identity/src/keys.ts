import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PosternError } from '@postern/protocol'
import { readSecretFile, writeSecretFile } from './store.ts'

/** An Ed25519 key pair in the two forms in use: node's, which signs statements, and libp2p's, which is the peer. */
export interface NodeKey {
  readonly signing: KeyObject
  readonly libp2p: PrivateKey
  readonly peerId: Ed25519PeerId
}

export function generateKey(): NodeKey {
  return fromKeyObject(generateKeyPairSync('ed25519').privateKey)
}

/** Writes the key as PKCS #8 PEM (RFC 5958), mode 0600. Throws FILE_EXISTS rather than replace a key. */
export function saveKey(file: string, key: NodeKey): void {
  writeSecretFile(file, key.signing.export({ type: 'pkcs8', format: 'pem' }))
}

/** Throws FILE_MISSING, KEY_TOO_OPEN (anyone but the owner may read it) or KEY_INVALID. */
export function loadKey(file: string): NodeKey {
  const pem = readSecretFile(file)
  try {
    return fromKeyObject(createPrivateKey(pem))
  } catch (cause) {
    throw new PosternError('KEY_INVALID', `${file} holds no Ed25519 private key in PEM form`, { cause })
  }
}

function fromKeyObject(signing: KeyObject): NodeKey {
  const { d, x } = signing.export({ format: 'jwk' })
  if (signing.asymmetricKeyType !== 'ed25519' || d === undefined || x === undefined) {
    throw new PosternError('KEY_INVALID', 'the key is not an Ed25519 key')
  }
  const libp2p = privateKeyFromRaw(Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]))
  return { signing, libp2p, peerId: peerIdFromPrivateKey(libp2p) as Ed25519PeerId }
}
