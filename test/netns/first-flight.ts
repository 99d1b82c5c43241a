import { knockHeadSize, maxKnockPadding } from '@postern/test-kit'
import { firstFlights } from './flows.ts'

/** What the software beneath links says where it says what it is. */
const softwareWords = ['multistream', 'postern', 'yamux', 'libp2p', 'noise', 'ipfs', 'node.js']
/** Extensions of TLS that name a host and a protocol: RFC 6066 section 3, RFC 7301. */
const sni = 0
const alpn = 16

/** Where the hello of a TLS client begins, and its extensions: RFC 8446 sections 4.1.2 and 5.1. */
function helloOf(octets: Buffer): { readonly at: number; readonly extensions: readonly number[] } | undefined {
  for (let at = 0; at + 48 < octets.length; at++) {
    if (octets.readUInt16BE(at) !== 0x1603 || octets.readUInt8(at + 5) !== 1) continue
    const record = octets.subarray(at + 5, at + 5 + octets.readUInt16BE(at + 3))
    if (record.length < 40 || record.readUIntBE(1, 3) !== record.length - 4) continue
    let next = 4 + 2 + 32
    next += 1 + record.readUInt8(next)
    next += 2 + record.readUInt16BE(next)
    next += 1 + record.readUInt8(next)
    const extensions: number[] = []
    for (next += 2; next + 4 <= record.length; next += 4 + record.readUInt16BE(next + 2))
      extensions.push(record.readUInt16BE(next))
    return { at, extensions }
  }
  return undefined
}

/** Places at which the octets hold a time of these days, in seconds or milliseconds, in either order. */
function clearTimes(octets: Buffer): number[] {
  const now = Date.now()
  const near = (ms: number) => Math.abs(ms - now) < 600_000
  const places: number[] = []
  for (let at = 0; at + 8 <= octets.length; at++) {
    const wide = [octets.readBigUInt64BE(at), octets.readBigUInt64LE(at)].map(Number)
    if (wide.some((time) => near(time) || near(time * 1000) || near(time / 1000))) places.push(at)
  }
  return places
}

/** What packets of links to a port tell an onlooker: words, a clear time, what TLS says of whom it calls, a fixed place. */
export function toldByLinks(packets: Buffer, port: number, names: readonly string[]): string[] {
  const told = [...softwareWords, ...names].filter((word) => packets.includes(word))
  const flights = firstFlights(packets, 8192)
  if (flights.length === 0) told.push('no link was seen')
  const places = new Set<number>()
  for (const { octets, to } of flights) {
    const hello = helloOf(octets)
    if (!to.endsWith(`:${port}`)) told.push(`a connection to ${to}`)
    if (hello === undefined) told.push('a link without a hello of TLS')
    if (hello === undefined) continue
    places.add(hello.at)
    if (hello.at < knockHeadSize || hello.at > knockHeadSize + maxKnockPadding) told.push(`a hello at ${hello.at}`)
    if (clearTimes(octets.subarray(0, hello.at)).length > 0) told.push('a clear time')
    if (hello.extensions.includes(sni)) told.push('SNI')
    if (hello.extensions.includes(alpn)) told.push('ALPN')
  }
  if (flights.length > 3 && places.size === 1) told.push('a hello that comes at one place')
  return told
}
