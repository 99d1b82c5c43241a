import { type FieldLines, fieldValue, type Networks, readIpAddress } from '@postern/protocol'

/** Fields in which proxies say for whom they have forwarded a request. */
export const forwardedFields = ['x-forwarded-for', 'forwarded'] as const
export type ForwardedField = (typeof forwardedFields)[number]

type Scheme = 'http' | 'https'

/** What proxies say of a request: as far as they say it, and nobody else has. */
export interface Told {
  readonly address: string | undefined
  readonly scheme: Scheme | undefined
}

/** Proxies in a row that are believed at most. */
const maxProxies = 32

/**
 * Reads what a trusted proxy says of a request that it forwards. Each proxy adds whom it was asked by at the end, so the
 * list is read from there, for as long as what it names is a trusted proxy itself: what is before was written by a client.
 */
export function toldBy(lines: FieldLines, field: ForwardedField, trusted: Networks): Told {
  return field === 'forwarded' ? toldByForwarded(lines, trusted) : toldByXForwarded(lines, trusted)
}

function toldByXForwarded(lines: FieldLines, trusted: Networks): Told {
  const hops = lastOf(fieldValue(lines, 'x-forwarded-for'), ',')
  const { address, proxies } = clientAmong(hops.map(addressOf), trusted)
  const schemes = lastOf(fieldValue(lines, 'x-forwarded-proto'), ',')
  // One for each proxy, or one that each has passed on.
  return { address, scheme: schemeOf(schemes[Math.min(proxies, schemes.length - 1)]) }
}

function toldByForwarded(lines: FieldLines, trusted: Networks): Told {
  const hops = lastOf(fieldValue(lines, 'forwarded'), ',').map(pairsOf)
  const { address, proxies } = clientAmong(
    hops.map((pairs) => addressOf(pairs?.get('for') ?? '')),
    trusted,
  )
  return { address, scheme: schemeOf(hops[proxies]?.get('proto')) }
}

/** The last values of a list, the last one first. */
function lastOf(list: string | undefined, separator: string): string[] {
  if (list === undefined) return []
  return list
    .split(separator)
    .slice(-maxProxies)
    .map((value) => value.trim())
    .toReversed()
}

/** The first address from the end that is no trusted proxy, or the last that is one; and how many proxies came before it. */
function clientAmong(hops: ReadonlyArray<string | undefined>, trusted: Networks) {
  let address: string | undefined
  let proxies = 0
  for (const [at, hop] of hops.entries()) {
    // What is not known was told to a proxy that is: nobody behind it is believed.
    if (hop === undefined) break
    address = hop
    proxies = at
    if (!trusted.has(readIpAddress(hop))) break
  }
  return { address, proxies }
}

/** An address as it is, in brackets, with a port, or quoted. */
function addressOf(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text
  return readIpAddress(bare) === undefined ? undefined : bare
}

function schemeOf(text: string | undefined): Scheme | undefined {
  const scheme = text?.toLowerCase()
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

/** The pairs of one element of Forwarded (RFC 7239 section 4); undefined for what is none. */
function pairsOf(element: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  for (const pair of element.split(';')) {
    const [, name = '', token, quoted] = /^\s*([\w-]+)=(?:([^\s"]+)|"([^"\\]*)")\s*$/.exec(pair) ?? []
    if (name === '' || pairs.has(name.toLowerCase())) return undefined
    pairs.set(name.toLowerCase(), token ?? quoted ?? '')
  }
  return pairs
}
