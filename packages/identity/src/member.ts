import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock } from '@postern/protocol'
import type { Authority } from './authority.ts'
import { Bulletin } from './bulletin.ts'
import {
  lifeOf,
  type SealedCredential,
  sealCredential,
  type VerifiedCredential,
  type Verifier,
  verifierOf,
} from './credential.ts'
import { knockMaskOf } from './derive.ts'
import { undisclosed } from './disclosure.ts'
import type { Invitation } from './invite.ts'
import { generateKey, loadKey, type NodeKey } from './keys.ts'
import { loadMeshFile, loadMeshSecret, type MeshFile } from './mesh-file.ts'
import { fileNames, type Keep, moveFile, readPublicFile, removeFile, replaceFile } from './store.ts'

/** With what a dialler proves at the door that it may come in. */
export interface KnockKey {
  readonly secret: Buffer
  /** What masks the knock, see `knockMaskOf`. */
  readonly mask: Buffer
  /** Until when it is good, in ms, where it comes from an invite. */
  readonly untilMs?: number
}

/** All that makes a node a member of its mesh. */
export interface Member {
  readonly mesh: Omit<MeshFile, 'secret'>
  readonly key: NodeKey
  readonly knock: KnockKey
  /** The node's own credential as it shows it, and what it says. */
  readonly sealed: SealedCredential
  readonly credential: VerifiedCredential
  readonly verifier: Verifier
  readonly bulletin: Bulletin
  /** Keeps a newer credential of this node, and takes it. Throws what the verifier throws; then the old one stays. */
  renew(sealed: SealedCredential): Promise<void>
}

/** Since when, and until when, a member's credential counts as things are now. */
export interface Term {
  readonly sinceMs: number
  readonly untilMs: number
}

export function termOf({ bulletin, credential }: Pick<Member, 'bulletin' | 'credential'>): Term {
  return { sinceMs: credential.expiresMs - lifeOf(credential), untilMs: bulletin.endOf(credential) }
}

interface Standing {
  readonly mesh: Omit<MeshFile, 'secret'>
  readonly key: NodeKey
  readonly bulletin: Bulletin
  readonly verifier: Verifier
  readonly sealed: SealedCredential
  readonly credential: VerifiedCredential
  readonly knock?: KnockKey
  readonly file?: string
  readonly keep?: Keep
}

function memberOf(init: Standing): Member {
  const { bulletin, file, keep = replaceFile, key, mesh, verifier } = init
  let { credential, sealed } = init
  return {
    mesh,
    key,
    verifier,
    bulletin,
    get knock() {
      const [secret = Buffer.alloc(0)] = bulletin.secrets
      return init.knock ?? { secret, mask: knockMaskOf(secret) }
    },
    get sealed() {
      return sealed
    },
    get credential() {
      return credential
    },
    async renew(newer) {
      const verified = await verifier.credential(newer, key.peerId.toString())
      if (file !== undefined) keep(file, `${newer}\n`)
      credential = verified
      sealed = newer
    },
  }
}

const passingLifeMs = 10 * 60_000

/** The authority as a member for a few minutes, with a key of its own: nothing of it is kept. */
export async function passingMember({ bulletin, clock, mesh, signatory }: Authority): Promise<Member> {
  const key = generateKey()
  const peer = key.peerId.toString()
  const verifier = verifierOf(bulletin)
  const grant = { peer, name: 'authority', roles: ['authority'], services: [], lifeMs: passingLifeMs } as const
  const sealed = await sealCredential(grant, signatory, clock)
  return memberOf({ mesh, key, bulletin, verifier, sealed, credential: await verifier.credential(sealed, peer) })
}

/** One who holds an invite, and may ask for a credential and nothing else. Throws CREDENTIAL_… where it has ended. */
export async function invitedMember(
  { invite, knock, mesh }: Invitation,
  key: NodeKey,
  clock: Clock = systemClock,
): Promise<Member> {
  const bulletin = new Bulletin({ mesh, clock })
  const verifier = verifierOf(bulletin)
  const sealed = undisclosed(invite)
  const credential = await verifier.invited(sealed, key.peerId.toString(), 0)
  const [secret, mask] = [knock.secret, knock.mask].map((text) => Buffer.from(text, 'base64url')) as [Buffer, Buffer]
  const right = { secret, mask, untilMs: knock.untilMs }
  return memberOf({ mesh, key, bulletin, verifier, sealed, credential, knock: right })
}

/**
 * Reads a node's identity and checks it as a neighbour would, or as an authority that is asked to renew it would, where a
 * time is given for which it may have been over. Throws what the loaders throw, and CREDENTIAL_… when the node would be
 * refused. What changes of it is kept by `keep`.
 */
export async function loadMember(
  meshFile: string,
  stateFolder: string,
  clock: Clock = systemClock,
  { graceMs = 0, keep = replaceFile }: { readonly graceMs?: number; readonly keep?: Keep } = {},
): Promise<Member> {
  const mesh = loadMeshFile(meshFile)
  const secret = loadMeshSecret(mesh, meshFile)
  const key = loadKey(join(stateFolder, fileNames.nodeKey))
  const file = join(stateFolder, fileNames.credential)
  const sealed = readPublicFile(file).trim()
  const bulletin = await Bulletin.load({ mesh, secret, clock, keep, file: join(stateFolder, fileNames.bulletin) })
  const verifier = verifierOf(bulletin)
  const credential = await verifier.renewable(sealed, key.peerId.toString(), graceMs)
  return memberOf({ mesh, key, bulletin, verifier, sealed, credential, file, keep })
}

/**
 * Puts a key and credential that wait in the state folder in the place of the old ones. The credential is moved last: a
 * key without one was not finished, and is left where it is.
 */
export function takeNext(stateFolder: string): void {
  const next = join(stateFolder, fileNames.next)
  if (!existsSync(join(next, fileNames.credential))) return
  for (const name of [fileNames.nodeKey, fileNames.credential]) {
    if (existsSync(join(next, name))) moveFile(join(next, name), join(stateFolder, name))
  }
  removeFile(next)
}
