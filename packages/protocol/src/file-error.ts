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

const writeReasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of this user is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a folder of its path is a file',
  EIO: 'the disk does not take it',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
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

/** Why a file could not be written, FILE_UNWRITABLE; what is coded already stays as it is. */
export function writeError(file: string, cause: unknown, remedy?: string): PosternError {
  if (cause instanceof PosternError) return cause
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  return new PosternError('FILE_UNWRITABLE', `cannot write ${file}: ${writeReasons[code] ?? code}`, {
    cause,
    ...(remedy !== undefined && { remedy }),
  })
}
