import { type ExchangeFailureCode, exchangeFailures } from '@postern/protocol'

/** Seconds after which another try is worth it. */
const retryAfterS = 1

export interface Problem {
  readonly status: number
  readonly fields: string[]
  readonly body: Buffer
}

/**
 * The answer to a request that failed here: problem details (RFC 9457) with Proxy-Status (RFC 9209). It says what the
 * client can act on and nothing about hosts, peers or paths inside. Each 503, and each failure after which any request
 * may be sent again, carries Retry-After in seconds (RFC 9110 section 10.2.3).
 */
export function problemOf(code: ExchangeFailureCode, requestId: string): Problem {
  const { status, title, proxyError, retry } = exchangeFailures[code]
  const body = Buffer.from(`${JSON.stringify({ type: 'about:blank', title, status, code, requestId })}\n`)
  const fields = [
    'content-type',
    'application/problem+json',
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    'proxy-status',
    `postern; error=${proxyError}; details="${code}"`,
    'x-request-id',
    requestId,
  ]
  if (status === 503 || status === 429 || retry === 'any') fields.push('retry-after', String(retryAfterS))
  return { status, fields, body }
}
