import { type ExchangeFailureCode, exchangeFailures } from '@postern/protocol'

/** RFC 9110 section 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export interface Sent {
  readonly method: string
  /** Content of the request has left this node: it is not here to be sent again. */
  readonly content: boolean
  readonly attempts: number
}

/** As many trunks as may be lost one after the other while a mesh changes. */
const maxAttempts = 5

/** Another egress may have room where one has none; asked more often, a service that is full would be so for longer. */
const maxBusyAttempts = 3

/** Whether a request that failed before an answer may be sent once more: the whole rule. */
export function mayRetry(code: ExchangeFailureCode, sent: Sent): boolean {
  if (sent.content || sent.attempts >= (code === 'BUSY' ? maxBusyAttempts : maxAttempts)) return false
  const { retry } = exchangeFailures[code]
  return retry === 'any' || (retry === 'idempotent' && idempotent.has(sent.method))
}
