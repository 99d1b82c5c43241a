import { randomUUID } from 'node:crypto'
import { isServicePattern, PosternError, roles, statementType } from '@postern/protocol'
import { SignJWT } from 'jose'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { type Grant, nameSchema, validFor } from './credential.ts'
import { authorityService, inviteSecretOf, knockMaskOf, lookupKeyOf } from './derive.ts'
import { conceal, partsOf, reveal } from './disclosure.ts'
import { meshFileSchema } from './mesh-file.ts'
import { exclusively } from './publish.ts'
import { register } from './register.ts'

const prefix = 'postern-invite:'
const form = /^postern-invite:[\w-]+$/
/** An invite, as text, has at most so many characters. */
export const maxInviteSize = 16 * 1024
const maxBootstrap = 8
/** An invite is valid for at most so long, and so is the right to knock that comes with it. */
export const maxInviteLifeMs = 30 * 24 * 3600_000

/** The mesh file without what only members know. */
export const invitedMeshSchema = meshFileSchema.omit({ secret: true })

const invitationSchema = z.strictObject({
  invite: z.string().max(4096),
  mesh: invitedMeshSchema,
  knock: z.strictObject({ secret: z.string().length(43), mask: z.string().length(43), untilMs: z.int().min(0) }),
  authority: z.string().regex(/^[0-9a-f]{64}$/),
})

/**
 * All that one who is invited needs to join, and no more: neither the mesh secret nor the name of a service can be had
 * from what relays are shown of it.
 */
export interface Invitation {
  /** An SD-JWT: relays see that its holder is invited, an authority what to. */
  readonly invite: string
  readonly mesh: z.infer<typeof invitedMeshSchema>
  /** A secret to knock with until a time, and the key that masks knocks, both base64url. */
  readonly knock: { readonly secret: string; readonly mask: string; readonly untilMs: number }
  /** Lookup key by which an authority is found. */
  readonly authority: string
}

export interface MadeInvite {
  /** One line, to be handed to who is to join as a secret is. */
  readonly text: string
  readonly id: string
  readonly expiresMs: number
}

/** Makes an invite, which is good once. Throws USAGE where it would be valid for too long. */
export async function makeInvite({ clock, folder }: Authority, grant: Grant, lifeMs: number): Promise<MadeInvite> {
  if (lifeMs > maxInviteLifeMs)
    throw new PosternError('USAGE', 'an invite is valid for at most 30 days', { remedy: 'choose a shorter --expires' })
  return await exclusively(folder, clock, (newest) => sealInvite(newest, grant, lifeMs))
}

async function sealInvite(authority: Authority, grant: Grant, lifeMs: number): Promise<MadeInvite> {
  const { bulletin, clock, folder, mesh, signatory } = authority
  const id = randomUUID()
  const { digest, disclosure } = conceal('grant', grant)
  const times = validFor(lifeMs, clock)
  const statement = await new SignJWT({ _sd: [digest], _sd_alg: 'sha-256', ...times })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.invite, kid: signatory.kid })
    .setIssuer(mesh.id)
    .setJti(id)
    .sign(signatory.key)
  const expiresMs = times.exp * 1000
  const secret = newestSecret(authority)
  const { bootstrap, name } = mesh
  const invitation: Invitation = {
    invite: `${statement}~${disclosure}~`,
    mesh: {
      id: mesh.id,
      name,
      keys: bulletin.keys,
      bootstrap: bootstrap.slice(-maxBootstrap),
    },
    knock: {
      secret: inviteSecretOf(secret, expiresMs).toString('base64url'),
      mask: knockMaskOf(secret).toString('base64url'),
      untilMs: expiresMs,
    },
    authority: lookupKeyOf(secret, authorityService),
  }
  const expires = new Date(expiresMs).toISOString()
  const { name: granted, roles: asked, services } = grant
  const at = new Date(clock.now()).toISOString()
  register(folder, { name: granted, credential: id, roles: [...asked], services: [...services], expires, at })
  return { text: `${prefix}${Buffer.from(JSON.stringify(invitation)).toString('base64url')}`, id, expiresMs }
}

function newestSecret({ bulletin, folder }: Authority): Buffer {
  const secret = bulletin.secrets.at(-1)
  if (secret === undefined) throw new PosternError('MESH_INVALID', `${folder}: no mesh secret is in force`)
  return secret
}

/** Reads an invite's text. Throws INVITE_INVALID. */
export function readInvite(text: string): Invitation {
  try {
    const line = text.trim()
    if (text.length > maxInviteSize || !form.test(line)) throw new Error('not of the form of an invite')
    return invitationSchema.parse(JSON.parse(Buffer.from(line.slice(prefix.length), 'base64url').toString('utf8')))
  } catch (cause) {
    throw new PosternError('INVITE_INVALID', 'this is no invite, or it was not copied whole', {
      cause,
      remedy: 'copy the whole line that `postern mesh invite` printed',
    })
  }
}

const inviteSchema = z.object({
  iss: z.string(),
  exp: z.int(),
  jti: z.string().min(1).max(64),
  _sd: z.array(z.string()).length(1),
})
const grantSchema = z.object({
  name: nameSchema,
  roles: z.array(z.enum(roles)).min(1),
  services: z.array(z.string().refine(isServicePattern)).max(256),
  lifeMs: z.int().min(1),
})

/** Checks an invite as the authority that made it. Throws INVITE_INVALID or INVITE_EXPIRED. */
export async function verifyInvite(
  authority: Authority,
  sealed: string,
): Promise<{ readonly id: string; readonly grant: Grant }> {
  const [statement, disclosure] = partsOf(sealed)
  try {
    const expected = { typ: statementType.invite, claims: ['iss', 'nbf', 'exp', 'jti'] }
    const { payload } = await authority.bulletin.verify(statement, expected)
    const { _sd, exp, iss, jti } = inviteSchema.parse(payload)
    if (authority.bulletin.isOver({ expiresMs: exp * 1000 }))
      throw new PosternError('CREDENTIAL_EXPIRED', 'the authority says that it has ended')
    if (iss !== authority.mesh.id) throw new Error('the invite is to another mesh')
    return { id: jti, grant: grantSchema.parse(reveal('grant', disclosure, _sd)) }
  } catch (cause) {
    const expired = cause instanceof PosternError && cause.code === 'CREDENTIAL_EXPIRED'
    throw new PosternError(
      expired ? 'INVITE_EXPIRED' : 'INVITE_INVALID',
      expired ? 'the invite has expired' : 'the invite is none of this authority, or was altered',
      { cause, remedy: 'ask for a new one: postern mesh invite' },
    )
  }
}
