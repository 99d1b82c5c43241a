import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, PosternError } from '@postern/protocol'
import { type Authority, loadAuthority } from './authority.ts'
import { type Bulletin, type Notice, type Revoked, sealBulletin } from './bulletin.ts'
import { registered } from './register.ts'
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
  const revoked = stillNeeded(notice.revoked, newest)
  await bulletin.learn(await sealBulletin({ ...notice, revoked, seq: bulletin.seq + 1 }, signatory))
  return bulletin
}

/** Clocks differ by less. */
const forgetMs = 24 * 3600_000

/** Without what has ended by itself: nothing that the register has of it could still be shown. */
function stillNeeded(revoked: readonly Revoked[], { clock, folder }: Authority): Revoked[] {
  const ends = new Map<string, number>()
  for (const { credential, expires, peer } of registered(folder))
    for (const subject of peer === undefined ? [credential] : [credential, peer])
      ends.set(subject, Math.max(ends.get(subject) ?? 0, Date.parse(expires)))
  const now = clock.now()
  return revoked.filter(({ subject }) => (ends.get(subject) ?? now) + forgetMs > now)
}

const lookMs = 20
const waitMs = 5000
/** A lock this old was left by a process that did not end in order. */
const staleMs = 10_000

/**
 * Holds an authority's folder, as it is now, for as long as a task takes: what it finds there stays so. Throws BUSY where
 * another holds it for long, FILE_MISSING where there is no folder, or what `loadAuthority` throws.
 */
export async function exclusively<T>(
  folder: string,
  clock: Clock,
  task: (newest: Authority) => Promise<T>,
): Promise<T> {
  const lock = join(folder, fileNames.lock)
  await acquire(lock, performance.now() + waitMs)
  try {
    return await task(await loadAuthority(folder, clock))
  } finally {
    rmSync(lock, { force: true })
  }
}

async function acquire(lock: string, until: number): Promise<void> {
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT')
        throw new PosternError('FILE_MISSING', `there is no folder ${dirname(lock)}`, {
          cause,
          remedy: 'name the folder of the authority: --authority',
        })
      if (code !== 'EEXIST') throw cause
      const madeMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
      if (Date.now() - madeMs > staleMs) rmSync(lock, { force: true })
      else if (performance.now() > until)
        throw new PosternError('BUSY', 'another command changes the folder of the authority', {
          cause,
          remedy: `try again; when no other runs, remove ${lock}`,
        })
      else await pause(lookMs)
    }
  }
}
