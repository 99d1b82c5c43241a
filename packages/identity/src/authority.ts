import { createPublicKey, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, PosternError, type Role, systemClock } from '@postern/protocol'
import { calculateJwkThumbprint, decodeJwt } from 'jose'
import { sealCredential } from './credential.ts'
import { generateKey, loadKey, type NodeKey, saveKey } from './keys.ts'
import { type AuthorityKey, loadMeshFile, type MeshFile, meshIdOf, newMeshSecret } from './mesh-file.ts'
import { register } from './register.ts'
import { fileNames, readSecretFile, replaceFile, writeNewFile, writeSecretFile } from './store.ts'

export const defaultLifeMs = 90 * 24 * 3600_000

export interface Authority {
  readonly folder: string
  readonly mesh: MeshFile
  readonly key: NodeKey
  readonly kid: string
}

/** Founds a mesh: key, secret and mesh file in a folder. Throws FILE_EXISTS when a mesh is there. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const key = generateKey()
  const publicKey = await publicHalf(key.signing)
  const mesh: MeshFile = {
    id: meshIdOf([publicKey]),
    name,
    keys: [publicKey],
    bootstrap: [],
    secret: `file:${fileNames.secret}`,
  }
  saveKey(join(folder, fileNames.authorityKey), key)
  writeSecretFile(join(folder, fileNames.secret), newMeshSecret())
  writeNewFile(join(folder, fileNames.mesh), toJson(mesh))
  return { folder, mesh, key, kid: publicKey.kid }
}

/** Throws FILE_MISSING, KEY_TOO_OPEN, KEY_INVALID or MESH_INVALID. */
export async function loadAuthority(folder: string): Promise<Authority> {
  const mesh = loadMeshFile(join(folder, fileNames.mesh))
  const key = loadKey(join(folder, fileNames.authorityKey))
  const { kid, x } = await publicHalf(key.signing)
  if (!mesh.keys.some((known) => known.x === x)) {
    throw new PosternError('MESH_INVALID', `${folder}: the authority key is none of the keys in ${fileNames.mesh}`)
  }
  return { folder, mesh, key, kid }
}

/** Adds a relay to the addresses that new members start from. */
export function addBootstrap(authority: Authority, addresses: readonly string[]): Authority {
  const bootstrap = [...new Set([...authority.mesh.bootstrap, ...addresses])]
  const mesh = { ...authority.mesh, bootstrap }
  replaceFile(join(authority.folder, fileNames.mesh), toJson(mesh))
  return { ...authority, mesh }
}

export interface NodeOrder {
  readonly name: string
  readonly roles: readonly Role[]
  readonly services: readonly string[]
  readonly lifeMs?: number
}

/**
 * Makes a node folder: key, credential, mesh file and mesh secret. The key is made here, so the folder must travel to
 * the node's host as a secret does. Throws FILE_EXISTS when a node is there.
 */
export async function issueNode(
  authority: Authority,
  folder: string,
  order: NodeOrder,
  clock: Clock = systemClock,
): Promise<NodeKey> {
  const key = generateKey()
  saveKey(join(folder, fileNames.state, fileNames.nodeKey), key)
  const draft = { ...order, peer: key.peerId.toString(), lifeMs: order.lifeMs ?? defaultLifeMs }
  const by = { mesh: authority.mesh.id, key: authority.key.signing, kid: authority.kid }
  const sealed = await sealCredential(draft, by, clock)
  writeNewFile(join(folder, fileNames.state, fileNames.credential), `${sealed}\n`)
  writeNewFile(join(folder, fileNames.mesh), toJson(authority.mesh))
  writeSecretFile(join(folder, fileNames.secret), readSecretFile(join(authority.folder, fileNames.secret)))
  const { exp = 0, jti = '' } = decodeJwt(sealed.split('~', 1)[0] ?? '')
  register(authority.folder, {
    name: order.name,
    peer: draft.peer,
    credential: jti,
    roles: [...order.roles],
    services: [...order.services],
    expires: new Date(exp * 1000).toISOString(),
  })
  return key
}

async function publicHalf(key: KeyObject): Promise<AuthorityKey> {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, kid: await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x }) }
}

function toJson(mesh: MeshFile): string {
  return `${JSON.stringify(mesh, null, 2)}\n`
}
