import { PosternError, type RequestHead } from '@postern/protocol'

/** How the content of a request is framed: not at all, by its length in octets, or in chunks. */
export type ContentFraming = 'none' | 'chunked' | number

export interface BackendRequestHead {
  /** Request line and fields with the empty line behind them, as latin1. */
  readonly text: string
  readonly framing: ContentFraming
}

/** Methods whose requests say their length even where it is 0: RFC 9110 section 8.6. */
const withContent = new Set(['POST', 'PUT', 'PATCH'])
const digits = /^\d{1,15}$/

/** Fields that frame the message or speak of the connection, which is ours: what they say is said here alone. */
const own = new Map<string, 'refuse' | 'drop' | 'length' | 'upgrade'>([
  ['host', 'refuse'],
  ['connection', 'refuse'],
  ['keep-alive', 'refuse'],
  ['proxy-connection', 'refuse'],
  ['transfer-encoding', 'refuse'],
  ['trailer', 'refuse'],
  ['upgrade', 'upgrade'],
  ['expect', 'drop'],
  ['content-length', 'length'],
])
const longestOwn = 17

function ruleOf(name: string) {
  return name.length <= longestOwn ? own.get(name.toLowerCase()) : undefined
}

/** Whether a field frames the message or speaks of the connection. */
export function isFraming(name: string): boolean {
  return ruleOf(name) !== undefined
}

function refuse(detail: string): never {
  throw new PosternError('MALFORMED_REQUEST', detail)
}

/**
 * A request as HTTP/1.1 to the backend (RFC 9112 section 3). Its framing is written from what is known of its content:
 * an ingress that smuggles is refused with MALFORMED_REQUEST.
 */
export function backendHead(head: RequestHead): BackendRequestHead {
  const { fields } = head
  let text = `${head.method} ${head.target} HTTP/1.1\r\nhost: ${head.authority}\r\n`
  let length: string | undefined
  let protocol: string | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    const value = fields[i + 1] as string
    const rule = ruleOf(name)
    if (rule === undefined) text += `${name}: ${value}\r\n`
    else if (rule === 'upgrade' && head.upgrade && protocol === undefined) protocol = value
    else if (rule === 'length' && (length === undefined || length === value)) length = value
    else if (rule !== 'drop') refuse(`a ${name.toLowerCase()} field that does not belong to the message`)
  }
  if (length !== undefined && !digits.test(length)) refuse('a content length that is none')
  if (head.upgrade !== (protocol !== undefined)) refuse('an upgrade to nothing')
  if (protocol !== undefined) text += `connection: upgrade\r\nupgrade: ${protocol}\r\n`
  if (head.end || head.upgrade) {
    if (Number(length ?? 0) > 0) refuse('a content length without content')
    const zero = length !== undefined || withContent.has(head.method)
    return { text: `${text}${zero ? 'content-length: 0\r\n' : ''}\r\n`, framing: 'none' }
  }
  if (length === undefined) return { text: `${text}transfer-encoding: chunked\r\n\r\n`, framing: 'chunked' }
  return { text: `${text}content-length: ${length}\r\n\r\n`, framing: Number(length) }
}
