import { join } from 'node:path'
import { type Clock, systemClock } from '@postern/protocol'
import type { Authority } from './authority.ts'
import { sealCredential, type VerifiedCredential, type Verifier, verifierOf } from './credential.ts'
import { generateKey, loadKey, type NodeKey } from './keys.ts'
import { loadMeshFile, loadMeshSecret, type MeshFile } from './mesh-file.ts'
import { Revocations } from './revocations.ts'
import { fileNames, readPublicFile } from './store.ts'

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
  readonly revocations: Revocations
}

const passingLifeMs = 10 * 60_000

/**
 * The authority as a member for a few minutes, with a key of its own and the list of revocations it brings: nothing of it
 * is kept. Throws what the loaders throw.
 */
export async function passingMember(authority: Authority, list: string, clock: Clock = systemClock): Promise<Member> {
  const { folder, mesh } = authority
  const key = generateKey()
  const peer = key.peerId.toString()
  const revocations = await Revocations.load({ mesh, clock })
  await revocations.learn(list)
  const verifier = verifierOf(mesh, clock, revocations)
  const draft = { peer, name: 'authority', roles: ['authority'], services: [], lifeMs: passingLifeMs } as const
  const sealed = await sealCredential(draft, { mesh: mesh.id, key: authority.key.signing, kid: authority.kid }, clock)
  const credential = await verifier.credential(sealed, peer)
  const secret = loadMeshSecret(mesh, join(folder, fileNames.mesh))
  return { mesh, secret, key, sealed, credential, verifier, revocations }
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
  const revocations = await Revocations.load({ mesh, clock, file: join(stateFolder, fileNames.revocations) })
  const verifier = verifierOf(mesh, clock, revocations)
  const credential = await verifier.credential(sealed, key.peerId.toString())
  return { mesh, secret, key, sealed, credential, verifier, revocations }
}
