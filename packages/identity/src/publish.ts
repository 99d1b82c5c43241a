import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { PosternError } from '@postern/protocol'
import { type Authority, loadAuthority } from './authority.ts'
import { type Bulletin, type Notice, sealBulletin } from './bulletin.ts'
import { fileNames } from './store.ts'

/**
 * Signs the next bulletin in an authority's folder, whoever else does so at the time. `change` makes the new notice from
 * the newest; where it answers undefined, the newest stays. Throws BUSY where the folder is held for long.
 */
export async function publish(
  authority: Authority,
  change: (notice: Notice, newest: Authority) => Notice | undefined | Promise<Notice | undefined>,
): Promise<Bulletin> {
  return await exclusively(authority.folder, async () => {
    const newest = await loadAuthority(authority.folder, authority.clock)
    const { bulletin, signatory } = newest
    const notice = await change(bulletin.notice, newest)
    if (notice !== undefined) await bulletin.learn(await sealBulletin({ ...notice, seq: bulletin.seq + 1 }, signatory))
    return bulletin
  })
}

const lookMs = 20
const waitMs = 5000
/** A lock this old was left by a process that did not end in order. */
const staleMs = 10_000

async function exclusively<T>(folder: string, task: () => Promise<T>): Promise<T> {
  const lock = join(folder, fileNames.lock)
  await acquire(lock, performance.now() + waitMs)
  try {
    return await task()
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
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
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
