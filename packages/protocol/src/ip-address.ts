/** The octets of an IP address: four, or sixteen for IPv6. */
export type IpAddress = Uint8Array

const decimalOctet = /^(0|[1-9]\d{0,2})$/
const hexGroup = /^[0-9a-f]{1,4}$/i
/** What comes before the IPv4 address in an IPv4-mapped one: RFC 4291 section 2.5.5.2. */
const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
/** The longest text of an address: eight groups, the last two of them as an IPv4 address. */
const maxText = 45

/**
 * Reads an address as a socket, a header field or a config writes it. An IPv4-mapped IPv6 address is the IPv4 address in
 * it; a zone (`fe80::1%eth0`) is left out. Undefined for what is no address.
 */
export function readIpAddress(text: string): IpAddress | undefined {
  if (!text.includes(':')) return readIpv4(text)
  const zone = text.indexOf('%')
  const address = zone < 0 ? text : text.slice(0, zone)
  const octets = address.length > maxText ? undefined : readIpv6(address)
  return octets !== undefined && startsWith(octets, mapped) ? octets.subarray(mapped.length) : octets
}

function readIpv4(text: string): IpAddress | undefined {
  if (text.length > 15) return undefined
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => decimalOctet.test(part) && Number(part) <= 255)) return undefined
  return Uint8Array.from(parts, Number)
}

/** RFC 4291 section 2.2: groups, `::` once for those that are zero, the last two perhaps as an IPv4 address. */
function readIpv6(text: string): IpAddress | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = '', tail] = halves
  const before = readGroups(head, tail === undefined)
  const after = tail === undefined ? [] : readGroups(tail, true)
  if (before === undefined || after === undefined) return undefined
  const missing = 16 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  const octets = new Uint8Array(16)
  octets.set(before)
  octets.set(after, 16 - after.length)
  return octets
}

function readGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    const ipv4 = last && at === groups.length - 1 && group.includes('.') ? readIpv4(group) : undefined
    if (ipv4 !== undefined) octets.push(...ipv4)
    else if (hexGroup.test(group)) octets.push(Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 0xff)
    else return undefined
  }
  return octets
}

function startsWith(octets: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((octet, at) => octets[at] === octet)
}

/** An address in the one form that RFC 5952 recommends. */
export function ipAddressText(address: IpAddress): string {
  if (address.length === 4) return address.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((address[2 * at] ?? 0) << 8) | (address[2 * at + 1] ?? 0))
  const { from, length } = longestZeros(groups)
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 }
  let from = 0
  for (const [at, group] of groups.entries()) {
    if (group !== 0) from = at + 1
    else if (at + 1 - from > best.length) best = { from, length: at + 1 - from }
  }
  return best
}

/** The address in its usual form; what is no address stays as it is. */
export function canonicalAddress(text: string): string {
  if (!text.includes(':')) return text
  const address = readIpAddress(text)
  return address === undefined ? text : ipAddressText(address)
}

/**
 * What limits count a client by: its IPv4 address, or the /64 of its IPv6 address, within which one host has as many
 * addresses as it wants. All that is no address has one key of its own.
 */
export function addressKey(text: string): string {
  const address = readIpAddress(text)
  if (address === undefined) return 'unknown'
  if (address.length === 4) return address.join('.')
  return `${ipAddressText(Uint8Array.from(address, (octet, at) => (at < 8 ? octet : 0)))}/64`
}

/** A set of networks, written as `ADDRESS/BITS` or as one address. */
export class Networks {
  readonly #networks: ReadonlyArray<{ readonly address: IpAddress; readonly bits: number }>

  /** Those that are none hold no address. */
  constructor(texts: readonly string[]) {
    this.#networks = texts.map(readNetwork).filter((network) => network !== undefined)
  }

  get size(): number {
    return this.#networks.length
  }

  has(address: IpAddress | undefined): boolean {
    return address !== undefined && this.#networks.some((each) => samePrefix(address, each.address, each.bits))
  }
}

/** Whether a text is a network, with no bit set behind its prefix. */
export function isNetwork(text: string): boolean {
  return readNetwork(text) !== undefined
}

function readNetwork(text: string): { address: IpAddress; bits: number } | undefined {
  const [before = '', length, more] = text.split('/')
  const address = before.includes('%') ? undefined : readIpAddress(before)
  if (address === undefined || more !== undefined) return undefined
  const whole = 8 * address.length
  // Of an IPv4-mapped network the bits are counted as they are written, from the start of the IPv6 address.
  const shift = before.includes(':') && address.length === 4 ? 96 : 0
  const bits = length === undefined ? whole : /^\d{1,3}$/.test(length) ? Number(length) - shift : -1
  if (bits < 0 || bits > whole) return undefined
  const masked = Uint8Array.from(address, (octet, at) => octet & maskOf(bits - 8 * at))
  return samePrefix(masked, address, whole) ? { address, bits } : undefined
}

function samePrefix(one: IpAddress, other: IpAddress, bits: number): boolean {
  return (
    one.length === other.length && one.every((octet, at) => ((octet ^ (other[at] ?? 0)) & maskOf(bits - 8 * at)) === 0)
  )
}

/** The mask of an octet of which so many bits count. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff00 >>> bits) & 0xff
}
