import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PosternError } from '@postern/protocol'
import { type Authority, publicHalf } from './authority.ts'
import type { Bulletin } from './bulletin.ts'
import { generateKey, loadKey, saveKey } from './keys.ts'
import { newMeshSecret } from './mesh-file.ts'
import { publish } from './publish.ts'
import { fileNames, moveFile, readSecretFile, removeFile } from './store.ts'

/** What takes the place of what, told to the mesh by a bulletin. Times in ms. */
export interface Rotation {
  readonly bulletin: Bulletin
  /** When the old one ends to count. */
  readonly oldUntilMs: number
}

/**
 * Makes a key that is to replace the authority's. Both count until the overlap has passed; the old one signs for the
 * first half of it, so that a node that was away for less still knows who signs. Throws USAGE while another rotation of
 * the key goes on.
 */
export async function rotateAuthority(authority: Authority, overlapMs: number): Promise<Rotation> {
  const { clock, folder } = authority
  const [current, next] = [join(folder, fileNames.authorityKey), join(folder, fileNames.nextAuthorityKey)]
  const nowMs = clock.now()
  const untilMs = inSeconds(nowMs + overlapMs) * 1000
  const bulletin = await publish(authority, async (notice, { bulletin: newest, signatory }) => {
    const ending = newest.signers.find(({ until }) => until !== undefined && until * 1000 > nowMs)
    if (ending !== undefined) throw underWay('the key of the authority', (ending.until ?? 0) * 1000)
    if (existsSync(next)) {
      // One that does not sign is of a rotation that broke off before its bulletin.
      if (await isSigning(next, signatory.kid)) moveFile(next, current)
      else removeFile(next)
    }
    const key = generateKey()
    saveKey(next, key)
    return {
      ...notice,
      signers: [
        { ...(await publicHalf(signatory.key)), until: inSeconds(untilMs) },
        { ...(await publicHalf(key.signing)), from: inSeconds(nowMs + overlapMs / 2) },
      ],
    }
  })
  return { bulletin, oldUntilMs: untilMs }
}

async function isSigning(file: string, kid: string): Promise<boolean> {
  return (await publicHalf(loadKey(file).signing)).kid === kid
}

/**
 * Makes a mesh secret that is to replace the one in force. Both are answered to until the overlap has passed, then the
 * old one no longer. Throws USAGE while another rotation of the secret goes on.
 */
export async function rotateSecret(authority: Authority, overlapMs: number): Promise<Rotation> {
  const { clock, folder } = authority
  const nowMs = clock.now()
  const untilMs = inSeconds(nowMs + overlapMs) * 1000
  const bulletin = await publish(authority, (notice) => {
    const known = notice.secrets ?? [{ secret: readSecretFile(join(folder, fileNames.secret)).trim() }]
    const ending = known.find(({ until }) => until !== undefined && until * 1000 > nowMs)
    if (ending !== undefined) throw underWay('the mesh secret', (ending.until ?? 0) * 1000)
    const old = known.filter(({ until }) => until === undefined)
    const secrets = [
      ...old.map(({ secret }) => ({ secret, until: inSeconds(untilMs) })),
      { secret: newMeshSecret().trim() },
    ]
    return { ...notice, secrets }
  })
  return { bulletin, oldUntilMs: untilMs }
}

function inSeconds(timeMs: number): number {
  return Math.ceil(timeMs / 1000)
}

function underWay(what: string, untilMs: number): PosternError {
  return new PosternError('USAGE', `${what} is being replaced until ${new Date(untilMs).toISOString()}`, {
    remedy: 'wait until then',
  })
}
