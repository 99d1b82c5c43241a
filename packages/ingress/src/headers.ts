import { endToEndFields, type FieldLines, fieldValue, type ResponseHead, tokensOf } from '@postern/protocol'

/** What a client may not say for itself: where a request comes from is written here, at the door. */
const claimed = new Set([
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
])
const via = '1.1 postern'

/** What no trailer may say: how to frame, route or authenticate a message, or how to read it (RFC 9110 section 6.5.1). */
const headOnly = new Set([
  ...claimed,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'max-forwards',
  'range',
])

export interface Arrival {
  readonly client: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
}

/** RFC 7239 section 4: a token as it is, anything else quoted, IPv6 in brackets. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '')}"`
}

/** The fields of a request as they go on: end-to-end ones, Via (RFC 9110 section 7.6.3) and Forwarded (RFC 7239). */
export function requestFields(raw: FieldLines, arrival: Arrival, upgrade: string | undefined): string[] {
  const fields = endToEndFields(raw, claimed)
  if (tokensOf(fieldValue(raw, 'te')).includes('trailers')) fields.push('te', 'trailers')
  if (upgrade !== undefined) fields.push('upgrade', upgrade)
  const earlier = fieldValue(raw, 'via')
  fields.push('via', earlier === undefined ? via : `${earlier}, ${via}`)
  fields.push('forwarded', `for=${node(arrival.client)};host=${quoted(arrival.authority)};proto=${arrival.scheme}`)
  return fields
}

/** The trailer fields of a request as they go on. */
export function requestTrailers(raw: FieldLines): FieldLines {
  return raw.length === 0 ? raw : endToEndFields(raw, headOnly)
}

export interface AnswerMarks {
  readonly requestId: string | undefined
  /** Milliseconds from the request's arrival to its answer; undefined to say nothing of times. */
  readonly totalMs: number | undefined
}

/** The fields of an answer as the client gets them. */
export function responseFields(head: ResponseHead, marks: AnswerMarks): string[] {
  const fields = [...head.fields, 'via', via]
  if (marks.requestId !== undefined) fields.push('x-request-id', marks.requestId)
  if (marks.totalMs !== undefined) {
    const backendMs = head.backendUs / 1000
    const meshMs = Math.max(0, marks.totalMs - backendMs)
    fields.push('server-timing', `backend;dur=${backendMs.toFixed(2)}, mesh;dur=${meshMs.toFixed(2)}`)
  }
  return fields
}
