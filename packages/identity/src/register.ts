import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { PosternError } from '@postern/protocol'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { Revocations, type Revoked, sealRevocations } from './revocations.ts'
import { fileNames, readPublicFile } from './store.ts'

const entrySchema = z.object({
  name: z.string(),
  peer: z.string(),
  credential: z.string(),
  roles: z.array(z.string()),
  services: z.array(z.string()),
  expires: z.string(),
})

/** A credential that an authority has issued. */
export type Issued = z.infer<typeof entrySchema>

/** Keeps what was issued, a line each, so that it can be taken back by its name. */
export function register(folder: string, issued: Issued): void {
  appendFileSync(join(folder, fileNames.register), `${JSON.stringify(issued)}\n`, { mode: 0o600 })
}

/** All that the authority has issued, oldest first. Throws CONFIG_INVALID where a line is none of its own. */
export function registered(folder: string): Issued[] {
  const file = join(folder, fileNames.register)
  if (!existsSync(file)) return []
  const lines = readPublicFile(file)
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line, at) => {
    try {
      return entrySchema.parse(JSON.parse(line))
    } catch (cause) {
      throw new PosternError('CONFIG_INVALID', `${file}: line ${at + 1} is no entry of the register`, { cause })
    }
  })
}

export interface Revocation {
  /** What was taken back, of what was asked for. */
  readonly subjects: readonly string[]
  /** Entries of the register that are affected; none for a peer that the register does not know. */
  readonly issued: readonly Issued[]
  /** The list now in force, signed. */
  readonly sealed: string
  readonly seq: number
}

const peerPattern = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

/**
 * Takes back a peer, every peer of a name, or one credential by its id, and signs the new list. What was taken back
 * already stays so, and the list as it is. Throws USAGE for a name or an id that the register does not know.
 */
export async function revoke(authority: Authority, who: string, atMs: number): Promise<Revocation> {
  const file = join(authority.folder, fileNames.revocations)
  const revocations = await Revocations.load({ mesh: authority.mesh, file })
  const all = registered(authority.folder)
  const issued = all.filter(({ credential, name, peer }) => [credential, name, peer].includes(who))
  const byCredential = issued.some(({ credential }) => credential === who)
  const subjects = byCredential ? [who] : [...new Set(issued.map(({ peer }) => peer))]
  if (subjects.length === 0 && peerPattern.test(who)) subjects.push(who)
  if (subjects.length === 0) {
    const names = [...new Set(all.map(({ name }) => name))]
    throw new PosternError('USAGE', `nothing was issued to ${who}`, {
      remedy: `name a node, a peer id or a credential; issued are ${names.slice(0, 20).join(', ') || 'none'}`,
    })
  }
  const known = new Map<string, Revoked>(revocations.list.map((each) => [each.subject, each]))
  const news = subjects.filter((subject) => !known.has(subject))
  if (news.length > 0) {
    for (const subject of news) known.set(subject, { subject, at: Math.floor(atMs / 1000) })
    const by = { mesh: authority.mesh.id, key: authority.key.signing, kid: authority.kid }
    await revocations.learn(await sealRevocations({ seq: revocations.seq + 1, revoked: [...known.values()] }, by))
  }
  return { subjects, issued, sealed: revocations.sealed, seq: revocations.seq }
}
