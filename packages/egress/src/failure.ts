import type { ExchangeFailureCode } from '@postern/protocol'

/** What an error of the HTTP client or its socket means for the exchange, before any of an answer has come. */
const codes: Readonly<Record<string, ExchangeFailureCode>> = {
  ECONNREFUSED: 'BACKEND_REFUSED',
  ENOTFOUND: 'BACKEND_REFUSED',
  EAI_AGAIN: 'BACKEND_REFUSED',
  EHOSTUNREACH: 'BACKEND_REFUSED',
  ENETUNREACH: 'BACKEND_REFUSED',
  UND_ERR_CONNECT_TIMEOUT: 'BACKEND_REFUSED',
  UND_ERR_HEADERS_TIMEOUT: 'BACKEND_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'BACKEND_TIMEOUT',
  UND_ERR_SOCKET: 'BACKEND_LOST',
  ECONNRESET: 'BACKEND_LOST',
  ETIMEDOUT: 'BACKEND_LOST',
  EPIPE: 'BACKEND_LOST',
  UND_ERR_HEADERS_OVERFLOW: 'BACKEND_INVALID',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ABORTED',
  UND_ERR_INVALID_ARG: 'MALFORMED_REQUEST',
  UND_ERR_NOT_SUPPORTED: 'MALFORMED_REQUEST',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'MALFORMED_REQUEST',
}

/** Certificates of a backend that do not hold, and other failures of TLS, count as refusals too. */
export function failureOf(error: unknown): ExchangeFailureCode {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (name === 'HTTPParserError') return 'BACKEND_INVALID'
  if (typeof code !== 'string') return 'INTERNAL'
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || /CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return 'BACKEND_REFUSED'
  return codes[code] ?? 'INTERNAL'
}
