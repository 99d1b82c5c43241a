import { join } from 'node:path'
import type { Clock } from '@postern/protocol'
import { type Authority, loadAuthority } from './authority.ts'
import { type Bulletin, type Notice, sealBulletin } from './bulletin.ts'
import { maxGraceMs } from './grace.ts'
import { FolderLock } from './lock.ts'
import { readRegister } from './register.ts'
import { fileNames } from './store.ts'

type Change = (notice: Notice, newest: Authority) => Notice | undefined | Promise<Notice | undefined>

/**
 * Signs the next bulletin in an authority's folder, whoever else does so at the time. `change` makes the new notice from
 * the newest; where it answers undefined, the newest stays. Throws BUSY where the folder is held for long.
 */
export async function publish(authority: Authority, change: Change): Promise<Bulletin> {
  return await exclusively(authority.folder, authority.clock, (newest) => amend(newest, change))
}

/** As `publish`, for a caller that holds the folder. */
export async function amend(newest: Authority, change: Change): Promise<Bulletin> {
  const { bulletin, signatory } = newest
  const notice = await change(bulletin.notice, newest)
  if (notice === undefined) return bulletin
  await bulletin.learn(await sealBulletin({ ...withRoom(notice, newest), seq: bulletin.seq + 1 }, signatory))
  return bulletin
}

/** So many revocations are kept, whatever has become of what they are about. */
export const revocationsKept = 1024
/** Beyond that, those leave of which all has ended so long ago: clocks differ by less, and nothing of it is renewed. */
const forgetMs = maxGraceMs + 24 * 3600_000

/**
 * Leaves revocations out only where there are many, those of what ended first, and has the bulletin say that all
 * which had ended by then is over. So no clock, neither here nor there, can bring back what was taken back: an end
 * that a wrong clock here made believe in is one for every node.
 */
function withRoom(notice: Notice, { clock, folder }: Authority): Notice {
  const surplus = notice.revoked.length - revocationsKept
  if (surplus <= 0) return notice
  const ends = endsOf(folder)
  const over = notice.revoked
    .map(({ subject }) => ({ subject, endMs: ends.get(subject) ?? Number.POSITIVE_INFINITY }))
    .filter(({ endMs }) => endMs + forgetMs < clock.now())
    .toSorted((a, b) => a.endMs - b.endMs)
    .slice(0, surplus)
  const last = over.at(-1)
  if (last === undefined) return notice
  const left = new Set(over.map(({ subject }) => subject))
  return {
    ...notice,
    revoked: notice.revoked.filter(({ subject }) => !left.has(subject)),
    overUntil: Math.max(notice.overUntil ?? 0, Math.ceil(last.endMs / 1000)),
  }
}

/** When the last of all that was issued to each subject ends; nothing of those that the register does not know whole. */
function endsOf(folder: string): Map<string, number> {
  const { issued, unreadable } = readRegister(folder)
  const ends = new Map<string, number>()
  if (unreadable.length > 0) return ends
  for (const { credential, expires, peer } of issued)
    for (const subject of peer === undefined ? [credential] : [credential, peer])
      ends.set(subject, Math.max(ends.get(subject) ?? 0, Date.parse(expires)))
  return ends
}

/**
 * Holds an authority's folder, as it is now, for as long as a task takes: what it finds there stays so. Throws BUSY where
 * another holds it for long, FILE_MISSING where there is no folder, or what `loadAuthority` throws.
 */
export async function exclusively<T>(
  folder: string,
  clock: Clock,
  task: (newest: Authority) => Promise<T>,
): Promise<T> {
  using _held = await FolderLock.acquire(join(folder, fileNames.lock))
  return await task(await loadAuthority(folder, clock))
}
