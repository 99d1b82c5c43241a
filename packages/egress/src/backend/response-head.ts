import { type FieldLines, fieldValue, isToken, tokensOf } from '@postern/protocol'

/** The request that a response is read for: RFC 9112 section 6.3, rules 1 and 2. */
export interface Asked {
  readonly head: boolean
  readonly upgrade: boolean
}

/** Where the content of a response ends: RFC 9112 section 6.3. */
export type Framing =
  | { readonly kind: 'interim' | 'none' | 'chunked' | 'untilClose' | 'tunnel' }
  | { readonly kind: 'sized'; readonly bytes: number }

export interface BackendHead {
  readonly status: number
  readonly fields: FieldLines
  readonly framing: Framing
  /** The connection may take another request after this response: RFC 9112 section 9.3, and nothing of it can follow. */
  readonly persistent: boolean
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
/** What may stand in a line at all: no control character, so no bare CR or LF either (RFC 9112 section 2.2). */
const visible = /^[\t\x20-\x7e\x80-\xff]*$/
const digits = /^\d{1,15}$/

/** The lines of a head or of trailers as field lines; or what is wrong with them. Folded lines are refused (section 5.2). */
export function readFieldLines(text: string): string[] | string {
  const fields: string[] = []
  let at = 0
  while (at < text.length) {
    const found = text.indexOf('\r\n', at)
    const end = found < 0 ? text.length : found
    const colon = text.indexOf(':', at)
    if (colon < 0 || colon > end) return 'a field line without a colon'
    const name = text.slice(at, colon)
    const value = withoutBlanks(text, colon + 1, end)
    if (!isToken(name)) return 'a field name that is none'
    if (!visible.test(value)) return 'a field value with control characters'
    fields.push(name, value)
    at = end + 2
  }
  return fields
}

/** Without the blanks around it, which are SP and HTAB alone: RFC 9110 section 5.6.3. */
function withoutBlanks(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The head without its last empty line; or what is wrong with it. */
export function readHead(text: string, asked: Asked): BackendHead | string {
  const line = text.indexOf('\r\n')
  const match = statusLine.exec(line < 0 ? text : text.slice(0, line))
  if (match === null) return 'no status line of HTTP/1.1'
  const fields = line < 0 ? [] : readFieldLines(text.slice(line + 2))
  if (typeof fields === 'string') return fields
  const version = match[1] === '1' ? 1.1 : 1.0
  const status = Number(match[2])
  const framing = framingOf(status, version, fields, asked)
  if (typeof framing === 'string') return framing
  const persistent = framing.kind !== 'untilClose' && isSettled(status, fields, asked) && persists(version, fields)
  return { status, fields, framing, persistent }
}

/**
 * Whether no octet of the response can follow its end. Content that a backend sends where there must be none (RFC 9112
 * section 6.3, rules 1 and 2) would be read as the answer to the next request.
 */
function isSettled(status: number, fields: FieldLines, asked: Asked): boolean {
  if (asked.head || asked.upgrade) return false
  return (status !== 204 && status !== 304) || !announcesContent(fields)
}

function announcesContent(fields: FieldLines): boolean {
  if (fieldValue(fields, 'transfer-encoding') !== undefined) return true
  return (fieldValue(fields, 'content-length') ?? '0') !== '0'
}

function persists(version: number, fields: FieldLines): boolean {
  const connection = fieldValue(fields, 'connection')
  if (connection === undefined) return version === 1.1
  const options = tokensOf(connection)
  return !options.includes('close') && (version === 1.1 || options.includes('keep-alive'))
}

function framingOf(status: number, version: number, fields: FieldLines, asked: Asked): Framing | string {
  if (status === 101) return asked.upgrade ? tunnel : 'an upgrade that nobody asked for'
  if (status < 200) return interim
  const coding = fieldValue(fields, 'transfer-encoding')
  const length = fieldValue(fields, 'content-length')
  if (coding !== undefined) {
    // Both, or a coding before HTTP/1.1, is how responses are smuggled: RFC 9112 section 6.1.
    if (length !== undefined || version === 1.0) return 'a transfer coding out of place'
    if (coding.toLowerCase() !== 'chunked') return 'a transfer coding other than chunked'
  }
  const bytes = length === undefined ? undefined : lengthOf(length)
  if (Number.isNaN(bytes)) return 'a content length that is none'
  if (asked.head || status === 204 || status === 304) return none
  if (coding !== undefined) return chunked
  if (bytes === undefined) return untilClose
  return bytes === 0 ? none : { kind: 'sized', bytes }
}

const interim = { kind: 'interim' } as const
const none = { kind: 'none' } as const
const chunked = { kind: 'chunked' } as const
const untilClose = { kind: 'untilClose' } as const
const tunnel = { kind: 'tunnel' } as const

/** NaN for what is no length, and for several of them, equal or not: RFC 9110 section 8.6 allows to refuse those. */
function lengthOf(value: string): number {
  return digits.test(value) ? Number(value) : Number.NaN
}
