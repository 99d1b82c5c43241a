import { type ExchangeFailureCode, exchangeFailures } from '@postern/protocol'

export interface Problem {
  readonly status: number
  readonly fields: string[]
  readonly body: Buffer
}

/**
 * The answer to a request that failed here: problem details (RFC 9457) with Proxy-Status (RFC 9209). It says what the
 * client can act on and nothing about hosts, peers or paths inside.
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
  if (retry === 'any') fields.push('retry-after', '1')
  return { status, fields, body }
}
