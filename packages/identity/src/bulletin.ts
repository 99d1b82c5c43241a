import { existsSync } from 'node:fs'
import { type Clock, type Credential, type MeshId, PosternError, statementType, systemClock } from '@postern/protocol'
import { SignJWT } from 'jose'
import { z } from 'zod'
import { type AuthorityKey, authorityKeySchema } from './mesh-file.ts'
import { KeyRing, type Signatory, type Signer, type Verified } from './statement.ts'
import { type Keep, readSecretFile, replaceFile } from './store.ts'

/** What was taken back: a peer for good, one credential or one invite by its id. Times in seconds. */
export interface Revoked {
  readonly subject: string
  /** When this was decided. */
  readonly at: number
  /** From when on it counts, where it is not to count at once. */
  readonly from?: number | undefined
}

/** A mesh secret, base64url, and until when it is answered to, in seconds, where another replaces it. */
export interface Secret {
  readonly secret: string
  readonly until?: number | undefined
}

/** What an authority makes known to every member. */
export interface Notice {
  readonly revoked: readonly Revoked[]
  /** What ends by itself at this time, in seconds, or before is over, whatever a clock says; absent where nothing is said. */
  readonly overUntil?: number | undefined
  /** The keys of the authority; absent while they are those of the mesh file. */
  readonly signers?: readonly Signer[] | undefined
  /** The mesh secrets, the one that ends first before the others; absent while it is that of the mesh file. */
  readonly secrets?: readonly Secret[] | undefined
}

/** Ceilings: revocations of one bulletin, and octets of a bulletin with those before it that are needed to verify it. */
export const maxRevoked = 8192
export const maxBulletinSize = 1024 * 1024

const time = z.int().min(0)
const claimsSchema = z.object({
  iss: z.string(),
  seq: z.int().min(1),
  revoked: z.array(z.object({ subject: z.string().min(1).max(128), at: time, from: time.optional() })).max(maxRevoked),
  overUntil: time.optional(),
  signers: z
    .array(authorityKeySchema.extend({ from: time.optional(), until: time.optional() }))
    .min(1)
    .max(8)
    .optional(),
  secrets: z
    .array(z.object({ secret: z.string().length(43), until: time.optional() }))
    .min(1)
    .max(4)
    .optional(),
})

/** Signs a bulletin (RFC 7515). The sequence must be above that of every bulletin signed before. */
export async function sealBulletin(notice: Notice & { readonly seq: number }, by: Signatory): Promise<string> {
  if (notice.revoked.length > maxRevoked)
    throw new PosternError('USAGE', `a bulletin holds at most ${maxRevoked} revocations`, {
      remedy: 'let credentials that were taken back expire, or found the mesh anew',
    })
  return await new SignJWT({ ...notice })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.bulletin, kid: by.kid, seq: notice.seq })
    .setIssuer(by.mesh)
    .sign(by.key)
}

export interface BulletinInit {
  readonly mesh: { readonly id: MeshId; readonly keys: readonly Signer[] }
  /** The mesh secret of the mesh file, 32 octets; one who is only invited has none. */
  readonly secret?: Buffer
  /** Where the newest bulletin outlives the process; none keeps it in memory alone. */
  readonly file?: string
  /** Writes that file; `replaceFile` unless said otherwise. */
  readonly keep?: Keep
  readonly clock?: Clock
}

/** Why a peer is no longer a member. */
export type Lapse = 'CREDENTIAL_REVOKED' | 'CREDENTIAL_EXPIRED'

/** How long a secret is answered to after its end: clocks differ. */
const answeredMs = 60_000

/**
 * The newest bulletin of the mesh's authority that a node knows, and what follows from it: who is a member, which keys
 * sign, which secrets let knock. It is replaced only by a newer one of the same mesh.
 */
export class Bulletin {
  readonly #init: BulletinInit
  readonly #clock: Clock
  #ring: KeyRing
  #seq = 0
  /** Bulletins that change the authority's keys, then the newest: each is verified by what those before it say. */
  #chain: readonly string[] = []
  /** How many of the chain, from its beginning, change the keys. */
  #handovers = 0
  #notice: Notice = { revoked: [] }
  /** From when on each subject is revoked, in ms. */
  #revoked: ReadonlyMap<string, number> = new Map()

  /** One that has heard of nothing yet. */
  constructor(init: BulletinInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#ring = new KeyRing(init.mesh.keys)
  }

  /** Reads the bulletin that was kept. Throws KEY_TOO_OPEN, or CREDENTIAL_… where it was altered. */
  static async load(init: BulletinInit): Promise<Bulletin> {
    const bulletin = new Bulletin(init)
    if (init.file !== undefined && existsSync(init.file)) await bulletin.#take(readSecretFile(init.file).trim())
    return bulletin
  }

  /** 0 before the first bulletin. */
  get seq(): number {
    return this.#seq
  }

  /** As it travels: a JWS a line; empty before the first. It holds the mesh's secrets once those were rotated. */
  get sealed(): string {
    return this.#chain.join('\n')
  }

  get notice(): Notice {
    return this.#notice
  }

  get mesh(): MeshId {
    return this.#init.mesh.id
  }

  /** The authority's keys, those that have ended too. */
  get signers(): readonly Signer[] {
    return this.#ring.signers
  }

  /** The authority's keys whose statements count now. */
  get keys(): AuthorityKey[] {
    const counts = this.#ring.signers.filter(({ kid }) => this.#ring.endOf(kid) > this.#clock.now())
    return counts.map(({ crv, kid, kty, x }) => ({ kty, crv, x, kid }))
  }

  /** Mesh secrets in force, 32 octets each, the newest last. The first is used to knock: it is known to most. */
  get secrets(): readonly Buffer[] {
    return this.#secretsUntil(this.#clock.now())
  }

  /** Mesh secrets that are answered to: those in force, and for a minute those that were. */
  get heardSecrets(): readonly Buffer[] {
    return this.#secretsUntil(this.#clock.now() - answeredMs)
  }

  #secretsUntil(timeMs: number): readonly Buffer[] {
    const { secrets } = this.#notice
    if (secrets === undefined) return this.#init.secret === undefined ? [] : [this.#init.secret]
    const counts = secrets.filter(({ until }) => until === undefined || until * 1000 > timeMs)
    return counts.map(({ secret }) => Buffer.from(secret, 'base64url'))
  }

  /** Checks a statement against the authority's keys. Throws what `KeyRing.verify` throws. */
  verify(statement: string, expected: Parameters<KeyRing['verify']>[2]): Promise<Verified> {
    return this.#ring.verify(statement, this.#clock, expected)
  }

  /** When a credential ends, in ms: by itself, with the key that has signed it, or because it is revoked from then on. */
  endOf(credential: Pick<Credential, 'peer' | 'id' | 'signer' | 'expiresMs'>): number {
    return Math.min(credential.expiresMs, this.#ring.endOf(credential.signer), this.#revokedMs(credential))
  }

  /** Why a credential no longer counts, not even as one that ended so long ago at most; undefined while it does. */
  lapse(credential: Pick<Credential, 'peer' | 'id' | 'signer' | 'expiresMs'>, graceMs = 0): Lapse | undefined {
    const now = this.#clock.now()
    if (this.#revokedMs(credential) <= now) return 'CREDENTIAL_REVOKED'
    const expiresMs = credential.expiresMs + graceMs
    return this.isOver(credential) || this.endOf({ ...credential, expiresMs }) <= now ? 'CREDENTIAL_EXPIRED' : undefined
  }

  /** Whether the authority says that it has ended, so that no clock needs to. */
  isOver({ expiresMs }: Pick<Credential, 'expiresMs'>): boolean {
    return expiresMs <= (this.#notice.overUntil ?? 0) * 1000
  }

  #revokedMs({ id, peer }: Pick<Credential, 'peer' | 'id'>): number {
    const never = Number.POSITIVE_INFINITY
    return Math.min(this.#revoked.get(peer) ?? never, this.#revoked.get(id) ?? never)
  }

  /**
   * Takes a bulletin from anyone: its signature is what counts. Answers whether it was newer, and is in force and kept
   * now; of several who bring the same at a time, one is told that it was. Throws CREDENTIAL_INVALID or CREDENTIAL_WRONG_MESH; what came before the fault is in force.
   */
  async learn(sealed: string): Promise<boolean> {
    const before = this.#seq
    try {
      return await this.#take(sealed)
    } finally {
      const { file, keep = replaceFile } = this.#init
      if (this.#seq > before && file !== undefined) keep(file, `${this.sealed}\n`)
    }
  }

  async #take(sealed: string): Promise<boolean> {
    if (sealed.length > maxBulletinSize) throw tooLarge()
    const before = this.#ring
    let newer = false
    for (const one of sealed.split('\n')) newer = (await this.#takeOne(one, before)) || newer
    return newer
  }

  /**
   * Whether a key has ended is judged by what was known before the chain came: one who was away for long learns of the
   * end of a key and of what that key had signed in time together.
   */
  async #takeOne(sealed: string, before: KeyRing): Promise<boolean> {
    // An older one is not read beyond its header, which is small and signed with the rest.
    const claimed = sequenceOf(sealed)
    if (claimed !== undefined && claimed <= this.#seq) return false
    const expected = { typ: statementType.bulletin, claims: ['iss', 'seq', 'revoked'] }
    const { payload } = await this.#ring.verify(sealed, this.#clock, expected, before)
    const { data: claims } = claimsSchema.safeParse(payload)
    if (claims === undefined) throw new PosternError('CREDENTIAL_INVALID', 'the bulletin lacks what every one has')
    if (claims.iss !== this.#init.mesh.id)
      throw new PosternError('CREDENTIAL_WRONG_MESH', 'the bulletin is of another mesh')
    if (claims.seq !== claimed) throw new PosternError('CREDENTIAL_INVALID', 'the bulletin has two sequences')
    if (claims.seq <= this.#seq) return false
    const { iss: _, seq, ...notice } = claims
    const handsOver = (one: Notice) => JSON.stringify(one.signers) !== JSON.stringify(this.#notice.signers)
    const chain = [...this.#chain.slice(0, this.#handovers), sealed]
    if (chain.join('\n').length > maxBulletinSize) throw tooLarge()
    this.#chain = chain
    if (handsOver(notice)) {
      this.#handovers += 1
      this.#ring = new KeyRing(notice.signers ?? this.#init.mesh.keys)
    }
    this.#seq = seq
    this.#notice = notice
    this.#revoked = new Map(notice.revoked.map(({ from, subject }) => [subject, (from ?? 0) * 1000]))
    return true
  }
}

function tooLarge(): PosternError {
  return new PosternError('CREDENTIAL_INVALID', 'the bulletin, with those before it, is too large', {
    remedy: 'let credentials that were taken back expire, or found the mesh anew',
  })
}

const maxHeaderSize = 512
const headerSchema = z.object({ seq: z.int().min(1) })

/** The sequence that the header of a bulletin claims, before anything about it is believed. */
function sequenceOf(sealed: string): number | undefined {
  const end = sealed.indexOf('.')
  if (end < 0 || end > maxHeaderSize) return undefined
  try {
    const header: unknown = JSON.parse(Buffer.from(sealed.slice(0, end), 'base64url').toString('utf8'))
    return headerSchema.safeParse(header).data?.seq
  } catch {
    return undefined
  }
}
