import { excerpt, PosternError } from '@postern/protocol'
import type { Authority } from './authority.ts'
import type { Revoked } from './bulletin.ts'
import { amend, exclusively } from './publish.ts'
import { type Issued, type Register, readRegister } from './register.ts'
import { usedBy } from './used.ts'

export interface Revocation {
  /** What was taken back, of what was asked for. */
  readonly subjects: readonly string[]
  /** Entries of the register that are affected; none for a peer that the register does not know. */
  readonly issued: readonly Issued[]
  /** The bulletin now in force, as it travels. */
  readonly sealed: string
  readonly seq: number
  /** Lines of the register that could not be read: what they said was not taken back by its name. */
  readonly unreadable: Register['unreadable']
}

const peerPattern = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/
const idPattern = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/**
 * Takes back a peer, every peer of a name, one credential, or one invite with who has joined by it, by its id, and signs
 * the next bulletin. What was taken back already stays so, and the bulletin as it is. A register that is damaged stops
 * no revocation. Throws USAGE for a name that the register does not know, and for the id of a credential or an invite
 * where all of it could be read.
 */
export async function revoke({ clock, folder }: Authority, who: string): Promise<Revocation> {
  return await exclusively(folder, clock, async (newest) => {
    const { issued, subjects, unreadable } = affected(folder, who)
    const at = Math.floor(clock.now() / 1000)
    const news = subjects.map((subject) => ({ subject, at }))
    const { sealed, seq } = await amend(newest, (notice) => {
      const revoked = withRevoked(notice.revoked, news)
      return revoked === notice.revoked ? undefined : { ...notice, revoked }
    })
    return { subjects, issued, sealed, seq, unreadable }
  })
}

/** An invite is taken back with all that came of it; a peer without the one that took its place. */
function affected(folder: string, who: string): Pick<Revocation, 'issued' | 'subjects' | 'unreadable'> {
  const { issued: all, unreadable } = readRegister(folder)
  const issued = all.filter(({ credential, name, peer }) => [credential, name, peer].includes(who))
  const byId = issued.some(({ credential }) => credential === who)
  const named = byId ? [who, ...joinedBy(folder, who)] : issued.map(({ credential, peer }) => peer ?? credential)
  const subjects = [...new Set(named)]
  if (subjects.length === 0 && (peerPattern.test(who) || (unreadable.length > 0 && idPattern.test(who))))
    subjects.push(who, ...joinedBy(folder, who))
  if (subjects.length > 0) return { issued, subjects, unreadable }
  const names = [...new Set(all.map(({ name }) => name))]
  const torn = unreadable.map((line) => `; line ${line} of the register cannot be read`).join('')
  throw new PosternError('USAGE', `nothing was issued to ${excerpt(who)}${torn}`, {
    remedy: `name a node, a peer id, a credential or an invite; issued are ${names.slice(0, 20).join(', ') || 'none'}`,
  })
}

/** The peer that has joined by an invite, and those that took its place. */
function joinedBy(folder: string, invite: string): string[] {
  const peers: string[] = []
  for (let peer = usedBy(folder, 'invites', invite); peer !== undefined; peer = usedBy(folder, 'replaced', peer))
    peers.push(peer)
  return peers
}

/** The list with what is new in it; the same list when nothing is. What is revoked at once no longer waits for its time. */
export function withRevoked(list: readonly Revoked[], news: readonly Revoked[]): readonly Revoked[] {
  const known = new Map(list.map((each) => [each.subject, each]))
  const added = news.filter(({ from, subject }) => {
    const before = known.get(subject)
    return before === undefined || (before.from ?? 0) > (from ?? 0)
  })
  if (added.length === 0) return list
  for (const each of added) known.set(each.subject, each)
  return [...known.values()]
}
