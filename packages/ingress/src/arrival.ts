import type { IncomingMessage } from 'node:http'
import { type FieldLines, type Networks, readAuthority, readRequestTarget, withEncodedQuery } from '@postern/protocol'
import { type Client, clientAt, clientOf } from './client.ts'
import { type ForwardedField, toldBy } from './forwarded.ts'

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

export interface ArrivalRules {
  readonly encodeQuery: boolean
  /** Proxies that are believed when they say for whom they forward. */
  readonly trusted: Networks
  readonly forwardedField: ForwardedField
}

/** Undefined for a request whose target or authority is none. */
export function arrivalOf(request: IncomingMessage, rules: ArrivalRules): Arrival | undefined {
  const { httpVersion, method = '', rawHeaders, url = '' } = request
  const read = readRequestTarget(method, rules.encodeQuery ? withEncodedQuery(url) : url)
  const field = hostField(rawHeaders)
  // RFC 9112 section 3.2: one line, which only a client of HTTP/1.0 may leave out.
  const named = field === undefined && httpVersion === '1.0' ? '' : readAuthority(field ?? '')?.host
  if (read === undefined || named === undefined) return undefined
  const { client, scheme } = sourceOf(request, rules)
  if (read.authority === undefined) return { client, scheme, authority: field ?? '', host: named, target: read.target }
  // The authority of a target in absolute form wins: RFC 9112 section 3.2.2.
  const host = readAuthority(read.authority)?.host
  return host === undefined ? undefined : { client, scheme, authority: read.authority, host, target: read.target }
}

/** Who has sent a request and how: the peer of its connection, or whom that speaks for where it is trusted to. */
function sourceOf(
  request: IncomingMessage,
  { forwardedField, trusted }: ArrivalRules,
): Pick<Arrival, 'client' | 'scheme'> {
  const { rawHeaders, socket } = request
  const peer = clientOf(socket)
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  if (trusted.size === 0 || !trusted.has(peer.ip)) return { client: peer, scheme }
  const told = toldBy(rawHeaders, forwardedField, trusted)
  return { client: told.address === undefined ? peer : clientAt(told.address), scheme: told.scheme ?? scheme }
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
