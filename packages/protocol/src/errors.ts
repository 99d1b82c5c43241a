import { remedies } from './remedies.ts'

/** What a caller may conclude about sending the same request once more. */
export type Retry = 'any' | 'idempotent' | 'never'

interface Failure {
  /** The number that stands in a RESET frame; stable for ever. */
  readonly wire: number
  /** Status of the answer to a client, RFC 9110 section 15. */
  readonly status: number
  /** Proxy error type of the answer, RFC 9209 section 2.3. */
  readonly proxyError: string
  readonly retry: Retry
  /** One sentence for the client: what happened and what it can do; no host, no peer, no path inside. */
  readonly title: string
}

const row = (wire: number, status: number, proxyError: string, retry: Retry, title: string): Failure => ({
  wire,
  status,
  proxyError,
  retry,
  title,
})

/** Every way in which an exchange can fail, by its stable code. */
export const exchangeFailures = {
  MALFORMED_REQUEST: row(1, 400, 'http_request_error', 'never', 'The request is not valid HTTP.'),
  ROUTE_UNKNOWN: row(2, 404, 'destination_not_found', 'never', 'No service answers at this host and path.'),
  NOT_EXPOSED: row(3, 404, 'http_request_denied', 'never', 'This method and path are not offered here.'),
  CALLER_REFUSED: row(4, 403, 'http_request_denied', 'never', 'This entrance may not call the service.'),
  CONTENT_TOO_LARGE: row(5, 413, 'http_request_error', 'never', 'The content is larger than this service takes.'),
  HEAD_TOO_LARGE: row(6, 431, 'http_request_error', 'never', 'The header section is larger than this service takes.'),
  METHOD_UNSUPPORTED: row(7, 501, 'http_request_error', 'never', 'This method cannot be forwarded.'),
  UPGRADE_REFUSED: row(10, 403, 'http_request_denied', 'never', 'This protocol is not offered here.'),
  CLIENT_BUSY: row(
    11,
    429,
    'http_request_denied',
    'never',
    'Too many requests of this client are under way; wait until some are over.',
  ),
  REQUEST_TIMEOUT: row(8, 408, 'http_request_error', 'never', 'The request did not arrive whole in time.'),
  SERVICE_UNREACHABLE: row(
    16,
    503,
    'destination_unavailable',
    'any',
    'The service cannot be reached now; try again soon.',
  ),
  BUSY: row(
    17,
    503,
    'connection_limit_reached',
    'any',
    'The service has no room for another request now; try again soon.',
  ),
  DRAINING: row(18, 503, 'destination_unavailable', 'any', 'The service is moving; try again at once.'),
  TRUNK_LOST: row(19, 502, 'connection_terminated', 'idempotent', 'The way to the service broke before it answered.'),
  BACKEND_REFUSED: row(20, 502, 'connection_refused', 'any', 'The service is down.'),
  BACKEND_LOST: row(21, 502, 'connection_terminated', 'idempotent', 'The service broke off before it answered.'),
  BACKEND_INVALID: row(
    22,
    502,
    'http_protocol_error',
    'never',
    'The service answered with something that is not valid HTTP.',
  ),
  BACKEND_TIMEOUT: row(23, 504, 'http_response_timeout', 'never', 'The service did not answer in time.'),
  CANCELLED: row(32, 499, 'connection_terminated', 'never', 'The caller went away.'),
  ABORTED: row(33, 502, 'connection_terminated', 'never', 'The answer broke off.'),
  STALLED: row(
    36,
    502,
    'connection_terminated',
    'never',
    'Nobody read the answer while others waited for the service.',
  ),
  BUFFERS_FULL: row(
    37,
    503,
    'connection_limit_reached',
    'never',
    'The service had to let go of this request to make room for others.',
  ),
  PROTOCOL_VIOLATION: row(34, 502, 'proxy_internal_error', 'never', 'The way to the service misbehaved.'),
  INTERNAL: row(
    35,
    500,
    'proxy_internal_error',
    'never',
    'Something went wrong here; the request id helps its operator.',
  ),
} as const satisfies Record<string, Failure>

export type ExchangeFailureCode = keyof typeof exchangeFailures

const byWire = new Map<number, ExchangeFailureCode>(
  Object.entries(exchangeFailures).map(([code, { wire }]) => [wire, code as ExchangeFailureCode]),
)

/** The failure a RESET frame names; an unknown number counts as PROTOCOL_VIOLATION. */
export function failureOfWire(wire: number): ExchangeFailureCode {
  return byWire.get(wire) ?? 'PROTOCOL_VIOLATION'
}

/** Codes outside of exchanges: what an operator, or a neighbour in the mesh, can act on. */
export const operationCodes = [
  'CONFIG_INVALID',
  'USAGE',
  'KEY_TOO_OPEN',
  'KEY_INVALID',
  'FILE_MISSING',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'FILE_EXISTS',
  'MESH_INVALID',
  'CREDENTIAL_INVALID',
  'CREDENTIAL_WRONG_MESH',
  'CREDENTIAL_WRONG_PEER',
  'CREDENTIAL_EXPIRED',
  'CREDENTIAL_EARLY',
  'CREDENTIAL_REFUSED',
  'CREDENTIAL_REVOKED',
  'INVITE_INVALID',
  'INVITE_EXPIRED',
  'INVITE_USED',
  'NO_AUTHORITY',
  'KNOCK_REFUSED',
  'RECORD_INVALID',
  'ROUTE_INVALID',
  'CIRCUIT_REFUSED',
  'CIRCUIT_UNREACHABLE',
  'NO_RELAY',
  'NO_GUARD',
  'NOT_RUNNING',
  'ADDRESS_IN_USE',
  'STOPPED',
  'WORKER_LOST',
  'TIMED_OUT',
  'BAD_MESSAGE',
  'BANNED',
] as const

export type OperationCode = (typeof operationCodes)[number]
export type Code = ExchangeFailureCode | OperationCode

const usual: Readonly<Partial<Record<Code, string>>> = remedies

/**
 * The one error class: a stable code, a sentence for people, what to do about it where that is known, and the cause. A
 * remedy that is not given is that of the code.
 */
export class PosternError extends Error {
  override readonly name = 'PosternError'
  readonly code: Code
  readonly remedy: string | undefined

  constructor(code: Code, message: string, options: { cause?: unknown; remedy?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.remedy = options.remedy ?? usual[code]
  }
}

/** What an error says, for a log line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What an error says about an exchange: its own code where it has one, else INTERNAL. */
export function exchangeFailureOf(error: unknown): ExchangeFailureCode {
  return error instanceof PosternError && error.code in exchangeFailures
    ? (error.code as ExchangeFailureCode)
    : 'INTERNAL'
}
