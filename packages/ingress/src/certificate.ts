import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileError, PosternError, reasonOf } from '@postern/protocol'

/** Files of a certificate in PEM form, the leaf first, and of its key. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** A certificate that a listener can show, with the key that is its own. */
export interface Certificate {
  readonly file: string
  readonly cert: Buffer
  readonly key: Buffer
  readonly expiresMs: number
  /** SHA-256 of the file, which tells one certificate, or chain, from another. */
  readonly digest: string
}

/** Throws FILE_MISSING, FILE_UNREADABLE, or KEY_INVALID where either is not PEM or they do not belong together. */
export function loadCertificate(files: CertificateFiles): Certificate {
  const cert = read(files.cert)
  const key = read(files.key)
  const leaf = parsed(files.cert, () => new X509Certificate(cert))
  const own = parsed(files.key, () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(own))
    throw new PosternError('KEY_INVALID', `${files.key} is not the key of the certificate ${files.cert}`)
  const digest = createHash('sha256').update(cert).digest('base64url')
  return { file: files.cert, cert, key, expiresMs: leaf.validToDate.getTime(), digest }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw fileError(file, cause)
  }
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new PosternError('KEY_INVALID', `${file} is not what it should be, in PEM form: ${reasonOf(cause)}`, {
      cause,
    })
  }
}
