import type { IncomingMessage } from 'node:http'
import { tokensOf } from '@postern/protocol'

/** What clients ask for by themselves and no service offers: HTTP/2 (RFC 7540 section 3.2) and TLS (RFC 2817). */
const neverOffered = /^$|^(h2c|tls)(\/|$)/

/**
 * The protocol that a request is to be switched to: the first that it names, without h2c and TLS. Undefined where the
 * request is answered as if it had not asked (RFC 9110 section 7.8), as one with content or of HTTP/1.0 is.
 */
export function protocolOf({ headers, httpVersion }: IncomingMessage): string | undefined {
  if (httpVersion === '1.0' || !hasNoContent(headers)) return undefined
  return tokensOf(headers.upgrade).find((name) => !neverOffered.test(name))
}

/** RFC 9112 section 6.3: without either field a request has no content. */
export function hasNoContent(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
}
