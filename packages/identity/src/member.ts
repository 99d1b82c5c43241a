import { join } from 'node:path'
import { type Clock, systemClock } from '@postern/protocol'
import { fileNames } from './authority.ts'
import { type VerifiedCredential, type Verifier, verifierOf } from './credential.ts'
import { loadKey, type NodeKey } from './keys.ts'
import { loadMeshFile, loadMeshSecret, type MeshFile } from './mesh-file.ts'
import { readPublicFile } from './store.ts'

/** All that makes a node a member of its mesh. */
export interface Member {
  readonly mesh: MeshFile
  /** The mesh secret, 32 octets. */
  readonly secret: Buffer
  readonly key: NodeKey
  /** The node's own credential as it shows it, and what it says. */
  readonly sealed: string
  readonly credential: VerifiedCredential
  readonly verifier: Verifier
}

/**
 * Reads a node's identity and checks it as a neighbour would. Throws what the loaders throw, and CREDENTIAL_… when the
 * node would be refused by every other.
 */
export async function loadMember(meshFile: string, stateFolder: string, clock: Clock = systemClock): Promise<Member> {
  const mesh = loadMeshFile(meshFile)
  const secret = loadMeshSecret(mesh, meshFile)
  const key = loadKey(join(stateFolder, fileNames.nodeKey))
  const sealed = readPublicFile(join(stateFolder, fileNames.credential)).trim()
  const verifier = verifierOf(mesh, clock)
  const credential = await verifier.credential(sealed, key.peerId.toString())
  return { mesh, secret, key, sealed, credential, verifier }
}
