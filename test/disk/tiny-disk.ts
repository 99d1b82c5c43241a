import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder on a disk of its own, of 256 KiB. */
export interface TinyDisk extends Disposable {
  readonly folder: string
  /** Takes all the room that is left. */
  fill(): void
  /** Makes room again. */
  free(): void
  readOnly(yes: boolean): void
}

const mount = (...words: readonly string[]) => execFileSync('mount', words)

/** Puts a folder, with what is in it, on a disk of its own. */
export function tinyDisk(folder: string): TinyDisk {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const aside = mkdtempSync(join(tmpdir(), 'postern-aside-'))
  cpSync(folder, aside, { recursive: true })
  mount('-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', folder)
  cpSync(aside, folder, { recursive: true })
  rmSync(aside, { recursive: true })
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      for (const octets of [65_536, 4096, 1]) {
        try {
          for (;;) writeFileSync(filler, Buffer.alloc(octets), { flag: 'a' })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: (yes) => void mount('-o', `remount,${yes ? 'ro' : 'rw'}`, folder),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', folder])
    },
  }
}
