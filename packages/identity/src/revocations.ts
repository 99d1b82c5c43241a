import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type Clock, type Credential, type MeshId, PosternError, statementType, systemClock } from '@postern/protocol'
import { SignJWT } from 'jose'
import { z } from 'zod'
import type { AuthorityKey } from './mesh-file.ts'
import { keySetOf, verifyStatement } from './statement.ts'
import { readPublicFile, replaceFile } from './store.ts'

/** What was taken back: a peer for good, or one credential by its id. */
export interface Revoked {
  readonly subject: string
  /** When, in seconds. */
  readonly at: number
}

/** Ceilings of a list: its entries, and its octets as a JWS. */
export const maxRevoked = 8192
export const maxRevocationsSize = 1024 * 1024

const claimsSchema = z.object({
  iss: z.string(),
  seq: z.int().min(1),
  revoked: z.array(z.object({ subject: z.string().min(1).max(128), at: z.int().min(0) })).max(maxRevoked),
})

/** Signs a list (RFC 7515). The sequence must be above that of every list signed before. */
export async function sealRevocations(
  list: { readonly seq: number; readonly revoked: readonly Revoked[] },
  by: { mesh: MeshId; key: KeyObject; kid: string },
): Promise<string> {
  if (list.revoked.length > maxRevoked)
    throw new PosternError('USAGE', `a list holds at most ${maxRevoked} revocations`, {
      remedy: 'found the mesh anew, or let credentials expire',
    })
  return await new SignJWT({ seq: list.seq, revoked: list.revoked })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.revocations, kid: by.kid })
    .setIssuer(by.mesh)
    .sign(by.key)
}

export interface RevocationsInit {
  readonly mesh: { readonly id: MeshId; readonly keys: readonly AuthorityKey[] }
  /** Where the newest list outlives the process; none keeps it in memory alone. */
  readonly file?: string
  readonly clock?: Clock
}

/** The newest list of revocations that a node knows. It is replaced only by a newer one of the same mesh. */
export class Revocations {
  readonly #init: RevocationsInit
  readonly #keySet: ReturnType<typeof keySetOf>
  #seq = 0
  #sealed = ''
  #revoked: ReadonlyMap<string, number> = new Map()

  private constructor(init: RevocationsInit) {
    this.#init = init
    this.#keySet = keySetOf(init.mesh.keys)
  }

  /** Reads the list that was kept. Throws CREDENTIAL_INVALID or CREDENTIAL_WRONG_MESH where it was altered. */
  static async load(init: RevocationsInit): Promise<Revocations> {
    const revocations = new Revocations(init)
    if (init.file !== undefined && existsSync(init.file)) await revocations.#take(readPublicFile(init.file).trim())
    return revocations
  }

  /** 0 before the first list. */
  get seq(): number {
    return this.#seq
  }

  /** The list as it was signed; empty before the first. */
  get sealed(): string {
    return this.#sealed
  }

  get list(): readonly Revoked[] {
    return Array.from(this.#revoked, ([subject, at]) => ({ subject, at }))
  }

  covers(credential: Pick<Credential, 'peer' | 'id'>): boolean {
    return this.#revoked.has(credential.peer) || this.#revoked.has(credential.id)
  }

  /**
   * Takes a list from anyone: its signature is what counts. Answers whether it was newer, and is in force and kept now.
   * Throws CREDENTIAL_INVALID or CREDENTIAL_WRONG_MESH; then nothing has changed.
   */
  async learn(sealed: string): Promise<boolean> {
    const newer = await this.#take(sealed)
    if (newer && this.#init.file !== undefined) replaceFile(this.#init.file, `${sealed}\n`)
    return newer
  }

  async #take(sealed: string): Promise<boolean> {
    if (sealed.length > maxRevocationsSize) throw new PosternError('CREDENTIAL_INVALID', 'the list is too large')
    const expected = { typ: statementType.revocations, claims: ['iss', 'seq', 'revoked'] }
    const payload = await verifyStatement(sealed, this.#keySet, this.#init.clock ?? systemClock, expected)
    const { data: claims } = claimsSchema.safeParse(payload)
    if (claims === undefined) throw new PosternError('CREDENTIAL_INVALID', 'the list lacks what every list has')
    if (claims.iss !== this.#init.mesh.id)
      throw new PosternError('CREDENTIAL_WRONG_MESH', 'the list is of another mesh')
    if (claims.seq <= this.#seq) return false
    this.#seq = claims.seq
    this.#sealed = sealed
    this.#revoked = new Map(claims.revoked.map(({ at, subject }) => [subject, at]))
    return true
  }
}
