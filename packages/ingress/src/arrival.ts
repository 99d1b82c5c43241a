import type { IncomingMessage } from 'node:http'
import { type FieldLines, readAuthority, readRequestTarget, withEncodedQuery } from '@postern/protocol'
import { type Client, clientOf } from './client.ts'

/** What a request asks for and where it comes from: read off its request line, its Host field and its connection. */
export interface Arrival {
  readonly client: Client
  readonly scheme: 'http' | 'https'
  /** `host[:port]`, or empty where a client of HTTP/1.0 has named none. */
  readonly authority: string
  /** The host of the authority as routes have it. */
  readonly host: string
  readonly target: string
}

/** Undefined for a request whose target or authority is none. */
export function arrivalOf(request: IncomingMessage, encodeQuery: boolean): Arrival | undefined {
  const { httpVersion, method = '', rawHeaders, socket, url = '' } = request
  const read = readRequestTarget(method, encodeQuery ? withEncodedQuery(url) : url)
  const field = hostField(rawHeaders)
  // RFC 9112 section 3.2: one line, which only a client of HTTP/1.0 may leave out.
  const named = field === undefined && httpVersion === '1.0' ? '' : readAuthority(field ?? '')?.host
  if (read === undefined || named === undefined) return undefined
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const client = clientOf(socket)
  if (read.authority === undefined) return { client, scheme, authority: field ?? '', host: named, target: read.target }
  // The authority of a target in absolute form wins: RFC 9112 section 3.2.2.
  const host = readAuthority(read.authority)?.host
  return host === undefined ? undefined : { client, scheme, authority: read.authority, host, target: read.target }
}

/** The value of Host; of several lines one that is no authority. */
function hostField(lines: FieldLines): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host')
      found = found === undefined ? lines[i + 1] : 'a second, line'
  }
  return found
}
