import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, PosternError, systemClock } from '@postern/protocol'
import { calculateJwkThumbprint } from 'jose'
import { Bulletin } from './bulletin.ts'
import { generateKey, loadKey, saveKey } from './keys.ts'
import { type AuthorityKey, loadMeshFile, loadMeshSecret, type MeshFile, meshIdOf, newMeshSecret } from './mesh-file.ts'
import type { Signatory } from './statement.ts'
import { fileNames, writeNewFile, writeSecretFile } from './store.ts'

/** An authority as its folder says it is now. */
export interface Authority {
  readonly folder: string
  readonly mesh: MeshFile
  readonly bulletin: Bulletin
  /** The key that signs now. */
  readonly signatory: Signatory
  readonly clock: Clock
}

/** Founds a mesh: key, secret and mesh file in a folder. Throws FILE_EXISTS when a mesh is there. */
export async function createAuthority(folder: string, name: string, clock: Clock = systemClock): Promise<Authority> {
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
  writeNewFile(join(folder, fileNames.mesh), meshFileText(mesh))
  return await loadAuthority(folder, clock)
}

/** Throws FILE_MISSING, KEY_TOO_OPEN, KEY_INVALID, MESH_INVALID, or CREDENTIAL_… where the bulletin was altered. */
export async function loadAuthority(folder: string, clock: Clock = systemClock): Promise<Authority> {
  if (![fileNames.authorityKey, fileNames.nextAuthorityKey].some((name) => existsSync(join(folder, name))))
    throw new PosternError('FILE_MISSING', `there is no key of an authority in ${folder}`, {
      remedy: 'name the folder that `postern mesh create` has made: --authority FOLDER',
    })
  const meshFile = join(folder, fileNames.mesh)
  const mesh = loadMeshFile(meshFile)
  const secret = loadMeshSecret(mesh, meshFile)
  const bulletin = await Bulletin.load({ mesh, secret, clock, file: join(folder, fileNames.bulletin) })
  return { folder, mesh, bulletin, clock, signatory: await signatoryOf(folder, mesh, bulletin, clock) }
}

/** The newer key once it is to sign, else the older one. */
async function signatoryOf(folder: string, mesh: MeshFile, bulletin: Bulletin, clock: Clock): Promise<Signatory> {
  for (const name of [fileNames.nextAuthorityKey, fileNames.authorityKey]) {
    const file = join(folder, name)
    if (name === fileNames.nextAuthorityKey && !existsSync(file)) continue
    const { signing } = loadKey(file)
    const { kid } = await publicHalf(signing)
    const signer = bulletin.signers.find((known) => known.kid === kid)
    if (signer === undefined && name === fileNames.authorityKey)
      throw new PosternError('MESH_INVALID', `${folder}: the authority key is none of the keys in ${fileNames.mesh}`)
    if (signer !== undefined && (signer.from ?? 0) * 1000 <= clock.now()) return { mesh: mesh.id, key: signing, kid }
  }
  throw new PosternError('MESH_INVALID', `${folder}: no key of the authority signs at this time`, {
    remedy: 'set the clock of this host',
  })
}

export async function publicHalf(key: KeyObject): Promise<AuthorityKey> {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, kid: await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x }) }
}

export function meshFileText(mesh: MeshFile): string {
  return `${JSON.stringify(mesh, null, 2)}\n`
}
