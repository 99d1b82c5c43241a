import { PosternError } from './errors.ts'

const absent = new Set(['ENOENT', 'ENOTDIR'])

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'a folder of its path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the disk does not give it out',
}

/** Why a file could not be read: FILE_MISSING where there is none, else FILE_UNREADABLE. */
export function fileError(file: string, cause: unknown): PosternError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  return new PosternError(
    absent.has(code) ? 'FILE_MISSING' : 'FILE_UNREADABLE',
    `cannot read ${file}: ${reasons[code] ?? code}`,
    { cause },
  )
}
