import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PosternError } from '@postern/protocol'
import { maxOverlapMs, openAdmission, replyKey, sealEnrolment, sealReplacement } from './enrolment.ts'
import type { Membership } from './issue.ts'
import { generateKey, loadKey, saveKey } from './keys.ts'
import type { Member } from './member.ts'
import { fileNames, readPublicFile, replaceFile } from './store.ts'

/** Carries a request to an authority and its answer back. */
export type Ask = (request: string) => Promise<string>

/** Asks for a newer credential for a member's own key. Throws what `ask` throws, or BAD_MESSAGE. */
export async function askRenewal({ bulletin, key, sealed }: Member, ask: Ask): Promise<Membership> {
  const reply = replyKey()
  return await openAdmission(await ask(await sealEnrolment(key, reply, { credential: sealed })), reply, bulletin)
}

/**
 * Makes a key that is to replace a member's, asks for a credential for it, and lays both beside the old ones, whose place
 * they take at the next start; the old key ends after the overlap. Answers with the new peer. Throws USAGE where a new
 * key waits already or the overlap is too long, or what `ask` throws; asked again, it goes on with the same key.
 */
export async function askReplacement(
  member: Member,
  stateFolder: string,
  overlapMs: number,
  ask: Ask,
): Promise<string> {
  const at = (name: string) => join(stateFolder, fileNames.next, name)
  if (waitingKey(stateFolder) === 'ready')
    throw new PosternError('USAGE', 'a new key waits already', { remedy: 'start the node anew: it takes the key then' })
  if (overlapMs > maxOverlapMs)
    throw new PosternError('USAGE', 'a key that is replaced lives on for at most 30 days', {
      remedy: 'choose a shorter --overlap',
    })
  if (!existsSync(at(fileNames.nodeKey))) saveKey(at(fileNames.nodeKey), generateKey())
  replaceFile(at(fileNames.overlap), `${overlapMs}\n`)
  const key = loadKey(at(fileNames.nodeKey))
  const peer = key.peerId.toString()
  const reply = replyKey()
  const replacement = await sealReplacement(member.key, peer)
  const request = await sealEnrolment(key, reply, { credential: member.sealed, replacement, overlapMs })
  const { credential } = await openAdmission(await ask(request), reply, member.bulletin)
  await member.verifier.credential(credential, peer)
  replaceFile(at(fileNames.credential), `${credential}\n`)
  return peer
}

/** Whether a key waits to take the place of a member's: `begun` while an authority has not been heard to grant it. */
export function waitingKey(stateFolder: string): 'none' | 'begun' | 'ready' {
  const at = (name: string) => join(stateFolder, fileNames.next, name)
  if (existsSync(at(fileNames.credential))) return 'ready'
  return existsSync(at(fileNames.overlap)) && existsSync(at(fileNames.nodeKey)) ? 'begun' : 'none'
}

/** Asks again for what was begun, see `askReplacement`: the answer may have been lost. */
export async function resumeReplacement(member: Member, stateFolder: string, ask: Ask): Promise<string> {
  const overlapMs = Number(readPublicFile(join(stateFolder, fileNames.next, fileNames.overlap)))
  return await askReplacement(member, stateFolder, Number.isSafeInteger(overlapMs) ? overlapMs : 0, ask)
}
