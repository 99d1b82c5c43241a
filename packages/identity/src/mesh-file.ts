import { createHash, randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { excerpt, type MeshId, PosternError } from '@postern/protocol'
import { z } from 'zod'
import { readPublicFile, readSecretFile } from './store.ts'

export const authorityKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().length(43),
  kid: z.string(),
})

export const meshFileSchema = z.strictObject({
  id: z.string().regex(/^[a-z2-7]{32}$/),
  name: z.string().min(1).max(64),
  /** Public keys of the authority, JWK (RFC 8037); several while one replaces another. */
  keys: z.array(authorityKeySchema).min(1).max(8),
  /** Multiaddrs of relays to start from, each ending in /p2p/PEER. */
  bootstrap: z.array(z.string().regex(/\/p2p\/\w+$/, 'must end in /p2p/PEER-ID')).max(32),
  /** Where the mesh secret is: `file:PATH` beside this file, or `env:NAME`. */
  secret: z.string().regex(/^(file|env):.+$/, 'must be file:PATH or env:NAME'),
})

/** What every member knows of its mesh, and nothing that is secret. */
export type MeshFile = z.infer<typeof meshFileSchema>
export type AuthorityKey = z.infer<typeof authorityKeySchema>

/** The id of the mesh that these keys found: base32 of SHA-256 over their sorted public halves, cut to 160 bits. */
export function meshIdOf(keys: readonly AuthorityKey[]): MeshId {
  const hash = createHash('sha256').update('postern mesh 1')
  for (const x of keys.map((key) => key.x).toSorted()) hash.update(Buffer.from(x, 'base64url'))
  return base32(hash.digest().subarray(0, 20))
}

function base32(octets: Uint8Array): string {
  let bits = ''
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0')
  return bits.replace(/.{5}/g, (five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)] ?? '')
}

/** Throws FILE_MISSING or MESH_INVALID. */
export function loadMeshFile(file: string): MeshFile {
  const text = readPublicFile(file)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError('MESH_INVALID', `${file} is not JSON`, { cause })
  }
  const parsed = meshFileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PosternError(
    'MESH_INVALID',
    `${file}: ${excerpt(issue?.path.join('.') ?? '')} ${excerpt(issue?.message ?? '', 200)}`,
  )
}

export function newMeshSecret(): string {
  return `${randomBytes(32).toString('base64url')}\n`
}

/** The mesh secret that a mesh file refers to: 32 octets. Throws FILE_MISSING, KEY_TOO_OPEN or KEY_INVALID. */
export function loadMeshSecret(mesh: MeshFile, meshFile: string): Buffer {
  const [kind = '', ...rest] = mesh.secret.split(':')
  const place = rest.join(':')
  const text = kind === 'file' ? readSecretFile(resolve(dirname(meshFile), place)) : (process.env[place] ?? '')
  const secret = Buffer.from(text.trim(), 'base64url')
  if (secret.length !== 32) {
    throw new PosternError('KEY_INVALID', `the mesh secret at ${excerpt(mesh.secret)} is not 32 octets in base64url`)
  }
  return secret
}
