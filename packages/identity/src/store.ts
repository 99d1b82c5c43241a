import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { PosternError } from '@postern/protocol'

/** Files of an authority folder, and of a node folder where they share them. */
export const fileNames = {
  authorityKey: 'authority.key',
  mesh: 'mesh.json',
  secret: 'mesh.secret',
  state: 'state',
  nodeKey: 'node.key',
  credential: 'credential.jws',
  config: 'postern.yaml',
  bulletin: 'bulletin.jws',
  register: 'issued.jsonl',
  /** By whom each invite was used, and each key was replaced. */
  invites: 'invites',
  replaced: 'replaced',
  nextAuthorityKey: 'authority.next.key',
  lock: 'bulletin.lock',
  /** What waits for an authority's answer. */
  pending: 'enrolment.json',
  /** What takes the place of the state's key and credential at the next start. */
  next: 'next',
} as const

const missing = (file: string, cause: unknown) =>
  new PosternError('FILE_MISSING', `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`, {
    cause,
  })

/** Reads a file that others must not read. Throws FILE_MISSING, or KEY_TOO_OPEN when group or others have any right. */
export function readSecretFile(file: string): string {
  let mode: number
  try {
    mode = statSync(file).mode
  } catch (cause) {
    throw missing(file, cause)
  }
  if ((mode & 0o077) !== 0) {
    throw new PosternError('KEY_TOO_OPEN', `${file} may be read by others (mode ${(mode & 0o777).toString(8)})`, {
      remedy: `chmod 600 ${file}, and replace the secret if others may have read it`,
    })
  }
  return readPublicFile(file)
}

export function readPublicFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw missing(file, cause)
  }
}

/** Writes a new file, mode 0600. Throws FILE_EXISTS. */
export function writeSecretFile(file: string, content: string): void {
  writeNew(file, content, 0o600)
}

/** Writes a new file that others may read. Throws FILE_EXISTS. */
export function writeNewFile(file: string, content: string): void {
  writeNew(file, content, 0o644)
}

function writeNew(file: string, content: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  try {
    writeFileSync(file, content, { flag: 'wx', mode, flush: true })
    chmodSync(file, mode)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new PosternError('FILE_EXISTS', `${file} exists already; it is not replaced`, {
      cause,
      remedy: 'choose another folder, or move the file away first',
    })
  }
}

/** Replaces a file of our own in one step, so that a crash leaves the old or the new one whole. */
export function replaceFile(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, content, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
