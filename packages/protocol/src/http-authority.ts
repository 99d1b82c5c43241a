import { ipAddressText, readIpAddress } from './ip-address.ts'

/** The authority of a request: RFC 3986 section 3.2, without userinfo. */
export interface Authority {
  /** In lower case; an IPv6 address in its usual form, in brackets. */
  readonly host: string
  readonly port: number | undefined
}

/** Labels with one dot between two of them. What a URI may have there beside (`%41`, `a!b`) names no host on the Internet. */
const namePattern = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i
/** What a URL parser takes for a number, and then for an IPv4 address: `127.1`, `0x7f000001`, `2130706433`. */
const numberPattern = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i
const portPattern = /^:[1-9]\d{0,4}$/

/**
 * Reads `host[:port]` as Host and a target in absolute form have it (RFC 9110 sections 4.2 and 7.2). Undefined for
 * anything else: userinfo, a path, several values, an empty host or label, an address in another notation than one.
 */
export function readAuthority(text: string): Authority | undefined {
  const bracket = text.startsWith('[') ? text.indexOf(']') + 1 : 0
  const colon = text.indexOf(':', bracket)
  const end = colon < 0 ? text.length : colon
  const port = readPort(text.slice(end))
  const host = bracket > 0 && bracket !== end ? undefined : readHost(text.slice(0, end))
  return host === undefined || port === undefined ? undefined : { host, port: port === 0 ? undefined : port }
}

/** 0 for none; undefined for one that is no port. */
function readPort(text: string): number | undefined {
  if (text === '') return 0
  const port = portPattern.test(text) ? Number(text.slice(1)) : 0
  return port > 0 && port <= 0xffff ? port : undefined
}

function readHost(text: string): string | undefined {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1)
    const address = text.endsWith(']') && inner.includes(':') && !inner.includes('%') ? readIpAddress(inner) : undefined
    if (address === undefined) return undefined
    return address.length === 4 ? ipAddressText(address) : `[${ipAddressText(address)}]`
  }
  if (!namePattern.test(text)) return undefined
  if (numberPattern.test(text) && readIpAddress(text) === undefined) return undefined
  return text.toLowerCase()
}
