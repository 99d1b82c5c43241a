import type { IncomingMessage } from 'node:http'
import { tokensOf } from '@postern/protocol'

/**
 * The protocol that a request is to be switched to: the first that it names, without h2c, which no service offers.
 * Undefined where the request is answered as if it had not asked (RFC 9110 section 7.8), as one with content is.
 */
export function protocolOf({ headers }: IncomingMessage): string | undefined {
  if (!hasNoContent(headers)) return undefined
  return tokensOf(headers.upgrade).find((name) => name !== '' && !/^h2c(\/|$)/.test(name))
}

/** RFC 9112 section 6.3: without either field a request has no content. */
export function hasNoContent(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
}
