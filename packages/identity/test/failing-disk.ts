import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Named = 'fsyncSync' | 'linkSync' | 'openSync' | 'renameSync' | 'writeFileSync' | 'writeSync'

/** Replaces functions of `node:fs` for as long as the answer is not disposed of, wherever they were imported. */
function instead(functions: Partial<Pick<typeof fs, Named>>): Disposable {
  const before = Object.fromEntries(Object.keys(functions).map((name) => [name, fs[name as Named]]))
  Object.assign(fs, functions)
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      Object.assign(fs, before)
      syncBuiltinESMExports()
    },
  }
}

/** A disk that is full in the midst of every write: half of the content arrives, then ENOSPC. */
export function fullDisk(): Disposable {
  const { writeSync } = fs
  return instead({
    writeFileSync(file, content) {
      const octets = Buffer.from(content as string)
      if (typeof file === 'number') writeSync(file, octets, 0, octets.length >> 1)
      else fs.appendFileSync(file, octets.subarray(0, octets.length >> 1))
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    },
  })
}

/** What was done to files, in order: `sync FILE`, `rename FROM TO` and the like, with paths as they were given. */
export interface Watched extends Disposable {
  readonly seen: readonly string[]
}

export function watchedDisk(): Watched {
  const { fsyncSync, linkSync, openSync, renameSync } = fs
  const seen: string[] = []
  const paths = new Map<number, string>()
  const watching = instead({
    openSync(path, flags, mode) {
      const fd = openSync(path, flags, mode)
      paths.set(fd, String(path))
      return fd
    },
    fsyncSync(fd) {
      seen.push(`sync ${paths.get(fd) ?? '?'}`)
      fsyncSync(fd)
    },
    renameSync(from, to) {
      seen.push(`name ${String(to)}`)
      renameSync(from, to)
    },
    linkSync(from, to) {
      seen.push(`name ${String(to)}`)
      linkSync(from, to)
    },
  })
  return { seen, [Symbol.dispose]: () => watching[Symbol.dispose]() }
}
