import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerName } from '@postern/protocol'
import { fileNames, readPublicFile, replaceFile } from './store.ts'

/** What is good once: an invite, or the right of a key to be replaced by another. */
type Once = 'invites' | 'replaced'

/** By whom it was used; undefined while it was not. */
export function usedBy(folder: string, once: Once, id: string): PeerName | undefined {
  const file = join(folder, fileNames[once], id)
  return existsSync(file) ? readPublicFile(file).trim() : undefined
}

/**
 * Marks it as used, for good. Answers false where another peer has used it; the same may again, because an answer may
 * have been lost. The caller holds the folder, see `exclusively`.
 */
export function useOnce(folder: string, once: Once, id: string, peer: PeerName): boolean {
  const before = usedBy(folder, once, id)
  if (before === undefined) replaceFile(join(folder, fileNames[once], id), `${peer}\n`)
  return before === undefined || before === peer
}
