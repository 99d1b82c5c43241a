import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileError, PosternError, writeError } from '@postern/protocol'

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
  heartbeat: 'heartbeat.jws',
  register: 'issued.jsonl',
  /** By whom each invite was used, and each key was replaced. */
  invites: 'invites',
  replaced: 'replaced',
  nextAuthorityKey: 'authority.next.key',
  lock: 'authority.lock',
  /** What waits for an authority's answer. */
  pending: 'enrolment.json',
  /** What takes the place of the state's key and credential at the next start. */
  next: 'next',
  /** Beside the key there: for how long the old one is to live on, in ms. */
  overlap: 'overlap',
  /** What is written for a moment to see whether anything can be. */
  probe: 'probe',
} as const

/** Reads a file that others must not read. Throws FILE_MISSING, FILE_UNREADABLE, or KEY_TOO_OPEN when group or others have any right. */
export function readSecretFile(file: string): string {
  let mode: number
  try {
    const found = statSync(file)
    // A folder is said to be one when it is read.
    mode = found.isFile() ? found.mode : 0
  } catch (cause) {
    throw fileError(file, cause)
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
    throw fileError(file, cause)
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
  writeBeside(file, content, mode, (beside) => {
    try {
      claim(beside, file)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
      throw new PosternError('FILE_EXISTS', `${file} exists already; it is not replaced`, {
        cause,
        remedy: 'choose another folder, or move the file away first',
      })
    }
  })
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Gives a file its name, unless another has it: `link` decides that in one step, and FAT, where there is none, in two. */
function claim(beside: string, file: string): void {
  try {
    linkSync(beside, file)
    unlinkSync(beside)
  } catch (error) {
    if (!noLinks.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    if (existsSync(file)) throw Object.assign(new Error(`${file} exists`), { code: 'EEXIST' })
    renameSync(beside, file)
  }
}

/** Has a text in a file outlive the process. */
export type Keep = (file: string, text: string) => void

/**
 * Replaces a file of our own in one step: a crash, or a disk that is full, leaves the old or the new one whole. The new
 * one is on the disk when this returns. Throws FILE_UNWRITABLE.
 */
export function replaceFile(file: string, content: string): void {
  writeBeside(file, content, 0o600, (beside) => renameSync(beside, file))
}

/** Writes the content under another name, then has it take its place; nothing of it is left where that fails. */
function writeBeside(file: string, content: string, mode: number, place: (beside: string) => void): void {
  const beside = `${file}.new`
  try {
    makeFolder(dirname(file))
    rmSync(beside, { force: true })
    const fd = openSync(beside, 'wx', mode)
    try {
      fchmodSync(fd, mode)
      writeFileSync(fd, content)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    place(beside)
    syncFolder(dirname(file))
  } catch (error) {
    removeLeftover(beside)
    throw writeError(file, error)
  }
}

function removeLeftover(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // The write's own error says more.
  }
}

/** Does what writes a file. Throws FILE_UNWRITABLE. */
function writing(file: string, task: () => void): void {
  try {
    task()
  } catch (error) {
    throw writeError(file, error)
  }
}

/** Whether a folder takes files: makes one and removes it. Throws FILE_UNWRITABLE. */
export function probeFolder(folder: string): void {
  const file = join(folder, fileNames.probe)
  replaceFile(file, 'x'.repeat(4096))
  removeFile(file)
}

/** Appends a line. It begins anew behind one that broke off, and nothing of it stays where it cannot be written whole. */
export function appendLine(file: string, line: string): void {
  writing(file, () => {
    const fd = openSync(file, 'a+', 0o600)
    try {
      appendWhole(fd, line)
    } finally {
      closeSync(fd)
    }
    syncFolder(dirname(file))
  })
}

function appendWhole(fd: number, line: string): void {
  const { size } = fstatSync(fd)
  const last = Buffer.alloc(1)
  const isTorn = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n'
  try {
    writeFileSync(fd, `${isTorn ? '\n' : ''}${line}\n`)
    fsyncSync(fd)
  } catch (error) {
    ftruncateSync(fd, size)
    throw error
  }
}

/** Renames a file; the new name is on the disk when this returns. */
export function moveFile(from: string, to: string): void {
  writing(to, () => {
    renameSync(from, to)
    syncFolder(dirname(to))
    if (dirname(from) !== dirname(to)) syncFolder(dirname(from))
  })
}

/** Removes a file or a folder, if it is there; that it is gone is on the disk when this returns. */
export function removeFile(file: string): void {
  writing(file, () => {
    rmSync(file, { recursive: true, force: true })
    syncFolder(dirname(file))
  })
}

/** Makes a folder with those above it, for its owner alone. */
function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made))
}

/** What some file systems answer that cannot sync a folder. */
const noSync = new Set(['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP'])

/** Has the names in a folder on the disk: without it, a file that was synced may be gone after a loss of power. */
function syncFolder(folder: string): void {
  let fd: number | undefined
  try {
    fd = openSync(folder, 'r')
    fsyncSync(fd)
  } catch (error) {
    if (!noSync.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
