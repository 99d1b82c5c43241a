import { createHash, randomBytes } from 'node:crypto'
import { PosternError } from '@postern/protocol'

/** A claim of an SD-JWT (RFC 9901 section 4.2): what is signed is the digest, what is shown to some the disclosure. */
export interface Concealed {
  readonly disclosure: string
  readonly digest: string
}

export function conceal(claim: string, value: unknown): Concealed {
  const salt = randomBytes(16).toString('base64url')
  const disclosure = Buffer.from(JSON.stringify([salt, claim, value])).toString('base64url')
  return { disclosure, digest: digestOf(disclosure) }
}

function digestOf(disclosure: string): string {
  return createHash('sha256').update(disclosure).digest('base64url')
}

/** The value that a disclosure reveals of a claim. Throws CREDENTIAL_INVALID when it is not one that was signed. */
export function reveal(claim: string, disclosure: string, digests: readonly string[]): unknown {
  if (!digests.includes(digestOf(disclosure)))
    throw new PosternError('CREDENTIAL_INVALID', 'the credential discloses what its authority has not signed')
  const parts: unknown = JSON.parse(Buffer.from(disclosure, 'base64url').toString('utf8'))
  if (Array.isArray(parts) && parts.length === 3 && parts[1] === claim) return parts[2]
  throw new PosternError('CREDENTIAL_INVALID', `the credential discloses something other than ${claim}`)
}

/** Both parts of `JWS~DISCLOSURE~`; the disclosure is empty where nothing is disclosed. */
export function partsOf(sealed: string): readonly [statement: string, disclosure: string] {
  const [statement = '', disclosure = ''] = sealed.split('~')
  return [statement, disclosure]
}

/** As a relay may see it: without what is concealed. */
export function undisclosed(sealed: string): string {
  return `${partsOf(sealed)[0]}~`
}

export function disclosureOf(sealed: string): string {
  return partsOf(sealed)[1]
}

/** The same with another disclosure in the place of its own. */
export function disclosed(sealed: string, disclosure: string): string {
  return `${partsOf(sealed)[0]}~${disclosure}~`
}
