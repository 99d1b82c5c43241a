import { readAuthority } from './http-authority.ts'
import { isHopByHop } from './http-fields.ts'
import { isTarget } from './http-target.ts'
import { OctetReader, type OctetWriter } from './octets.ts'

/** Field lines in order, as node:http lists them: name, value, name, value; values as latin1 octets. */
export type FieldLines = readonly string[]

/** What the ingress knows about a request beside its head. */
export interface RequestContext {
  readonly requestId: string
  /** Address of the client as the ingress saw it. */
  readonly client: string
  /** Trace context, W3C traceparent, or empty. */
  readonly trace: string
  /** Who calls, how that was shown, and with what scopes; empty when nobody was asked. */
  readonly subject: string
  readonly authentication: string
  readonly scopes: string
  /** Time left for the answer's head in milliseconds; 0 for no limit. */
  readonly budgetMs: number
}

export interface RequestHead {
  readonly service: string
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** `host[:port]`, or empty where a client of HTTP/1.0 has named none. */
  readonly authority: string
  /** Path and query in the characters of RFC 3986, or `*`. */
  readonly target: string
  readonly fields: FieldLines
  readonly context: RequestContext
  /** The request asks to become a byte tunnel (RFC 9110 section 7.8). */
  readonly upgrade: boolean
  /** No content and no trailers follow. */
  readonly end: boolean
}

export interface ResponseHead {
  readonly status: number
  readonly fields: FieldLines
  /** Time the backend took to its head, in microseconds. */
  readonly backendUs: number
  /** No content and no trailers follow. */
  readonly end: boolean
}

export const maxFields = 512

/** Common field names by index; never reordered, only appended to. Index 0 means: a literal name follows. */
export const commonNames: readonly string[] = [
  '',
  'accept',
  'accept-encoding',
  'accept-language',
  'accept-ranges',
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'access-control-request-headers',
  'access-control-request-method',
  'age',
  'allow',
  'alt-svc',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'forwarded',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'location',
  'origin',
  'prefer',
  'priority',
  'range',
  'referer',
  'referrer-policy',
  'retry-after',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'server',
  'server-timing',
  'set-cookie',
  'strict-transport-security',
  'te',
  'trailer',
  'traceparent',
  'tracestate',
  'upgrade',
  'user-agent',
  'vary',
  'via',
  'www-authenticate',
  'x-content-type-options',
  'x-frame-options',
  'x-requested-with',
  'content-digest',
  'transfer-encoding',
  'connection',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]

/** Names travel in lower case when common and as they were written otherwise; HTTP does not tell them apart. */
const indexOf = new Map<string, number>()
for (const [index, name] of commonNames.entries()) {
  if (index === 0) continue
  indexOf.set(name, index)
  indexOf.set(
    name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()),
    index,
  )
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/

function writeText(writer: OctetWriter, text: string): void {
  const value = text.length > 0xffff ? '' : text
  writer.u16(value.length).latin1(value)
}

function readText(reader: OctetReader): string {
  return reader.latin1(reader.u16())
}

/** RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  return tokenPattern.test(text)
}

const maxNameSize = 0xff
const maxValueSize = 0xffff

/** Whether a head, or an end, has room for the field lines. */
export function fieldsFit(fields: FieldLines): boolean {
  if (fields.length > 2 * maxFields) return false
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if ((fields[i] as string).length > maxNameSize || (fields[i + 1] as string).length > maxValueSize) return false
  }
  return true
}

/** Writes field lines that fit. */
export function writeFields(writer: OctetWriter, fields: FieldLines): void {
  writer.u16(fields.length >>> 1)
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1] ?? ''
    const index = indexOf.get(name)
    if (index !== undefined) writer.u8(index)
    else writer.u8(0).u8(name.length).latin1(name)
    writer.u16(value.length).latin1(value)
  }
}

function readFields(reader: OctetReader): string[] {
  const count = reader.u16()
  const fields: string[] = []
  if (count > maxFields) reader.fail()
  for (let i = 0; i < count && !reader.bad; i++) {
    const index = reader.u8()
    let name = commonNames[index] ?? ''
    if (index === 0) {
      name = reader.latin1(reader.u8())
      if (!tokenPattern.test(name)) reader.fail()
    }
    const value = readText(reader)
    if (name === '' || !valuePattern.test(value)) reader.fail()
    fields.push(name, value)
  }
  return fields
}

const flag = { end: 1, upgrade: 2, https: 4 } as const

export function writeRequestHead(writer: OctetWriter, head: RequestHead): void {
  writer.u8((head.end ? flag.end : 0) | (head.upgrade ? flag.upgrade : 0) | (head.scheme === 'https' ? flag.https : 0))
  writeText(writer, head.service)
  writeText(writer, head.method)
  writeText(writer, head.authority)
  writeText(writer, head.target)
  const { context } = head
  writeText(writer, context.requestId)
  writeText(writer, context.client)
  writeText(writer, context.trace)
  writeText(writer, context.subject)
  writeText(writer, context.authentication)
  writeText(writer, context.scopes)
  writer.u32(context.budgetMs)
  writeFields(writer, head.fields)
}

/** Undefined when the octets are no request head. */
export function readRequestHead(payload: Uint8Array): RequestHead | undefined {
  const reader = new OctetReader(payload)
  const flags = reader.u8()
  const service = readText(reader)
  const method = readText(reader)
  const authority = readText(reader)
  const target = readText(reader)
  const context: RequestContext = {
    requestId: readText(reader),
    client: readText(reader),
    trace: readText(reader),
    subject: readText(reader),
    authentication: readText(reader),
    scopes: readText(reader),
    budgetMs: reader.u32(),
  }
  const fields = readFields(reader)
  if (!reader.complete || flags > 7) return undefined
  if (!tokenPattern.test(method) || !isTarget(method, target)) return undefined
  if (authority !== '' && readAuthority(authority) === undefined) return undefined
  return {
    service,
    method,
    authority,
    target,
    context,
    fields,
    scheme: (flags & flag.https) !== 0 ? 'https' : 'http',
    upgrade: (flags & flag.upgrade) !== 0,
    end: (flags & flag.end) !== 0,
  }
}

export function writeResponseHead(writer: OctetWriter, head: ResponseHead): void {
  writer
    .u8(head.end ? flag.end : 0)
    .u16(head.status)
    .u32(head.backendUs)
  writeFields(writer, head.fields)
}

/** Whether a field line speaks of a connection, which only an answer that upgrades one may, and then of the protocol. */
function speaksOfConnection(fields: FieldLines, status?: number): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (isHopByHop(name) && (status !== 101 || name.toLowerCase() !== 'upgrade')) return true
  }
  return false
}

/** Undefined when the octets are no response head, or one that speaks of a connection. */
export function readResponseHead(payload: Uint8Array): ResponseHead | undefined {
  const reader = new OctetReader(payload)
  const flags = reader.u8()
  const status = reader.u16()
  const backendUs = reader.u32()
  const fields = readFields(reader)
  if (!reader.complete || flags > 1 || status < 100 || status > 599) return undefined
  if (speaksOfConnection(fields, status)) return undefined
  return { status, backendUs, fields, end: flags === flag.end }
}

/** Trailer fields of an END frame; undefined when the octets are none, or speak of a connection. */
export function readTrailers(payload: Uint8Array): FieldLines | undefined {
  if (payload.byteLength === 0) return []
  const reader = new OctetReader(payload)
  const fields = readFields(reader)
  return reader.complete && !speaksOfConnection(fields) ? fields : undefined
}
