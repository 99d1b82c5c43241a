import { join } from 'node:path'
import type { PeerName } from '@postern/protocol'
import { decodeJwt } from 'jose'
import { type Authority, meshFileText } from './authority.ts'
import { withBootstrap } from './bootstrap.ts'
import { type Grant, type SealedCredential, sealCredential } from './credential.ts'
import { partsOf } from './disclosure.ts'
import { generateKey, type NodeKey, saveKey } from './keys.ts'
import { exclusively } from './publish.ts'
import { type Issued, register } from './register.ts'
import { fileNames, readSecretFile, writeNewFile, writeSecretFile } from './store.ts'

export const defaultLifeMs = 90 * 24 * 3600_000

/**
 * Signs a credential, and has it in the register before it goes out, so that it can be taken back by its name. The caller
 * holds the folder, see `exclusively`.
 */
export async function issue(
  authority: Authority,
  peer: PeerName,
  grant: Grant,
  { by, replaces }: { readonly by: NonNullable<Issued['by']>; readonly replaces?: PeerName | undefined },
): Promise<SealedCredential> {
  const sealed = await sealCredential({ ...grant, peer }, authority.signatory, authority.clock)
  const { exp = 0, jti = '' } = decodeJwt(partsOf(sealed)[0])
  register(authority.folder, {
    name: grant.name,
    peer,
    credential: jti,
    roles: [...grant.roles],
    services: [...grant.services],
    expires: new Date(exp * 1000).toISOString(),
    ...(replaces === undefined ? {} : { replaces }),
    at: new Date(authority.clock.now()).toISOString(),
    by,
  })
  return sealed
}

export interface NodeOrder extends Omit<Grant, 'lifeMs'>, Partial<Pick<Grant, 'lifeMs'>> {
  /** Multiaddrs where others will reach a relay: nodes made from now on start from there. */
  readonly reachedAt?: readonly string[]
}

/**
 * Makes a node folder: key, credential, mesh file and mesh secret. The key is made here, so the folder must travel to
 * the node's host as a secret does. Throws FILE_EXISTS when a node is there.
 */
export async function issueNode(
  authority: Authority,
  folder: string,
  { reachedAt = [], ...order }: NodeOrder,
): Promise<NodeKey> {
  const key = generateKey()
  saveKey(join(folder, fileNames.state, fileNames.nodeKey), key)
  const grant = { lifeMs: defaultLifeMs, ...order }
  const peer = key.peerId.toString()
  const membership = await exclusively(authority.folder, authority.clock, async (newest) => {
    const credential = await issue(newest, peer, grant, { by: 'issue' })
    const addresses = reachedAt.map((address) => `${address}/p2p/${peer}`)
    return { ...membershipNow(addresses.length > 0 ? withBootstrap(newest, addresses) : newest), credential }
  })
  writeMembership(folder, membership)
  return key
}

/** What an authority gives every member beside its credential. */
export function membershipNow({ bulletin, folder, mesh }: Authority): Omit<Membership, 'credential'> {
  const secret = readSecretFile(join(folder, fileNames.secret)).trim()
  return { mesh, secret, bulletin: bulletin.sealed }
}

/** What makes the holder of a key a member, as it is kept in the holder's folder. */
export interface Membership {
  readonly credential: SealedCredential
  readonly mesh: Authority['mesh']
  /** The mesh secret of the mesh file, base64url. */
  readonly secret: string
  /** The newest bulletin; empty before the first. */
  readonly bulletin: string
}

/** What `writeMembership` makes. */
export function membershipFiles(folder: string): string[] {
  const state = join(folder, fileNames.state)
  const inState = [fileNames.credential, fileNames.bulletin].map((name) => join(state, name))
  return [...inState, join(folder, fileNames.mesh), join(folder, fileNames.secret)]
}

/** Writes all of it but the key. Throws FILE_EXISTS where a node has it already. */
export function writeMembership(folder: string, { bulletin, credential, mesh, secret }: Membership): void {
  writeNewFile(join(folder, fileNames.state, fileNames.credential), `${credential}\n`)
  writeNewFile(join(folder, fileNames.mesh), meshFileText({ ...mesh, secret: `file:${fileNames.secret}` }))
  writeSecretFile(join(folder, fileNames.secret), `${secret}\n`)
  if (bulletin !== '') writeSecretFile(join(folder, fileNames.state, fileNames.bulletin), `${bulletin}\n`)
}
