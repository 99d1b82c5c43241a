import { closeSync, existsSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { PosternError } from '@postern/protocol'

const lookMs = 20
const waitMs = 5000
/** What SQLite answers while another holds the lock. */
const busy = 5

/**
 * A lock that the kernel keeps: SQLite's exclusive transaction on an empty file, a lock of `fcntl`. It ends with the
 * process that holds it and not before: a stopped holder keeps it, a dead one does not, however its process id is used
 * again, and two containers that share the folder exclude each other. The file stays; nobody ever removes it.
 */
export class FolderLock implements Disposable {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Waits until the lock is free. Throws BUSY where another holds it for long, FILE_MISSING where there is no folder. */
  static async acquire(file: string): Promise<FolderLock> {
    const { DatabaseSync } = await import('node:sqlite')
    if (!existsSync(dirname(file)))
      throw new PosternError('FILE_MISSING', `there is no folder ${dirname(file)}`, {
        remedy: 'name the folder of the authority: --authority',
      })
    // For its owner alone: whoever may read the file can lock it. It is not opened again, which would end a lock on it.
    if (!existsSync(file)) create(file)
    const until = performance.now() + waitMs
    for (;;) {
      const database = opened(() => new DatabaseSync(file, { timeout: 0 }), file)
      try {
        // With a journal in memory nothing is written, so that a disk that is full can be locked too.
        database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
        return new FolderLock(database)
      } catch (cause) {
        database.close()
        if ((cause as { errcode?: number }).errcode !== busy) throw unusable(file, cause)
        if (performance.now() > until)
          throw new PosternError('BUSY', 'another process changes the folder of the authority', {
            cause,
            remedy: `try again; \`fuser ${file}\` says which process it is`,
          })
      }
      await pause(lookMs)
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

function create(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(file, cause)
  }
}

function opened(open: () => DatabaseSync, file: string): DatabaseSync {
  try {
    return open()
  } catch (cause) {
    throw unusable(file, cause)
  }
}

function unusable(file: string, cause: unknown): PosternError {
  return new PosternError('FILE_UNWRITABLE', `cannot lock ${file}: ${(cause as Error).message}`, {
    cause,
    remedy: `let the user who runs this write to ${dirname(file)}; when the file holds anything, remove it`,
  })
}
