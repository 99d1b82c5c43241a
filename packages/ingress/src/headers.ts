import {
  arrivalFieldNames,
  endToEndFields,
  type FieldLines,
  FieldNames,
  fieldValue,
  type ResponseHead,
  tokensOf,
} from '@postern/protocol'

/**
 * What is written here, at the door, and not passed on of a client. What else speaks of a request's origin is for the egress
 * to drop, which knows what its backend may be told.
 */
const claimed = ['host', 'via', ...arrivalFieldNames]
const claimedNames = new FieldNames(claimed)
const via = '1.1 postern'

/** What no trailer may say: how to frame, route or authenticate a message, or how to read it (RFC 9110 section 6.5.1). */
const headOnly = new FieldNames([
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

/** Where a request comes from, as it is told to backends. */
export interface Source {
  readonly client: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
}

/** RFC 7239 section 6: an address as it is, IPv6 in brackets and quoted, and a word for one that is not known. */
function node(address: string): string {
  if (address === '') return 'unknown'
  return address.includes(':') ? `"[${address}]"` : address
}

/** RFC 7239 section 4: a token as it is, anything else quoted. */
function quoted(authority: string): string {
  return /^[\w.-]+$/.test(authority) ? authority : `"${authority.replace(/["\\]/g, '')}"`
}

/**
 * The fields of a request as they go on: end-to-end ones, Via (RFC 9110 section 7.6.3), Forwarded (RFC 7239), and what of
 * it backends read under older names.
 */
export function requestFields(raw: FieldLines, source: Source, upgrade: string | undefined): string[] {
  const fields = endToEndFields(raw, claimedNames)
  const te = fieldValue(raw, 'te')
  if (te !== undefined && tokensOf(te).includes('trailers')) fields.push('te', 'trailers')
  if (upgrade !== undefined) fields.push('upgrade', upgrade)
  const earlier = fieldValue(raw, 'via')
  fields.push('via', earlier === undefined ? via : `${earlier}, ${via}`)
  const { authority, client, scheme } = source
  const host = authority === '' ? '' : `host=${quoted(authority)};`
  fields.push('forwarded', `for=${node(client)};${host}proto=${scheme}`, 'x-forwarded-proto', scheme)
  if (client !== '') fields.push('x-forwarded-for', client)
  if (authority !== '') fields.push('x-forwarded-host', authority)
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
    const meshUs = Math.max(0, marks.totalMs * 1000 - head.backendUs)
    fields.push('server-timing', `backend;dur=${milliseconds(head.backendUs)}, mesh;dur=${milliseconds(meshUs)}`)
  }
  return fields
}

/** Microseconds as milliseconds with two digits behind the point, which `toFixed` takes several times as long for. */
function milliseconds(us: number): string {
  const hundredths = Math.round(us / 10)
  const rest = hundredths % 100
  return `${(hundredths - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`
}

/** Field lines as pairs of name and value. */
export function pairsOf(lines: FieldLines): Array<[string, string]> {
  const pairs: Array<[string, string]> = []
  for (let i = 0; i + 1 < lines.length; i += 2) pairs.push([lines[i] ?? '', lines[i + 1] ?? ''])
  return pairs
}
