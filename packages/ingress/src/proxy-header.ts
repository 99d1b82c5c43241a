import { ipAddressText, readIpAddress } from '@postern/protocol'

/** The header of the PROXY protocol in front of a connection, as far as it matters here. */
export interface ProxyHeader {
  /** Octets that it takes. */
  readonly bytes: number
  /** Who has connected to the proxy; undefined where it speaks for itself, as it does to see whether we are there. */
  readonly source: string | undefined
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const textStart = Buffer.from('PROXY ', 'latin1')
/** The longest header of version 1, with its line end. */
const maxText = 107
/** Octets before addresses and extensions in version 2. */
const fixedBytes = 16
/** The most that version 2 may announce: addresses, and extensions like a certificate's name. */
export const maxProxyBytes = 4096

const textLine = /^PROXY (TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/
const unknownLine = /^PROXY UNKNOWN(?: [\x20-\x7e]*)?\r\n$/

/** Version 2, by family and transport: octets of an address. Streams over IP alone; all else is none of ours. */
const addressBytes: Readonly<Record<number, number>> = { 0x00: 0, 0x11: 4, 0x21: 16 }

/**
 * Reads a header of version 1 or 2 (the specification of HAProxy) off the first octets of a connection. `more` where they
 * may become one; undefined where they are none. Never throws, and asks for no more than a header may have.
 */
export function readProxyHeader(octets: Buffer): ProxyHeader | 'more' | undefined {
  if (startsAlike(octets, signature)) return octets.length < fixedBytes ? 'more' : readBinary(octets)
  if (startsAlike(octets, textStart)) return readLine(octets)
  return undefined
}

function startsAlike(octets: Buffer, start: Buffer): boolean {
  const size = Math.min(octets.length, start.length)
  return octets.subarray(0, size).equals(start.subarray(0, size))
}

function readLine(octets: Buffer): ProxyHeader | 'more' | undefined {
  const end = octets.subarray(0, maxText).indexOf('\n')
  if (end < 0) return octets.length < maxText ? 'more' : undefined
  const line = octets.toString('latin1', 0, end + 1)
  if (unknownLine.test(line)) return { bytes: line.length, source: undefined }
  const [, family, source = '', target = '', ...ports] = textLine.exec(line) ?? []
  const good = [source, target].every((text) => isOf(family, text)) && ports.every((port) => Number(port) <= 0xffff)
  return good ? { bytes: line.length, source: canonical(source) } : undefined
}

function isOf(family: string | undefined, text: string): boolean {
  return text.includes(':') === (family === 'TCP6') && !text.includes('%') && readIpAddress(text) !== undefined
}

function canonical(text: string): string | undefined {
  const address = readIpAddress(text)
  return address && ipAddressText(address)
}

function readBinary(octets: Buffer): ProxyHeader | 'more' | undefined {
  const command = octets.readUInt8(12)
  const family = octets.readUInt8(13)
  const size = octets.readUInt16BE(14)
  const width = addressBytes[family]
  if ((command !== 0x20 && command !== 0x21) || width === undefined || size > maxProxyBytes) return undefined
  const bytes = fixedBytes + size
  const addresses = width === 0 ? 0 : 2 * width + 4
  if (size < addresses) return undefined
  if (octets.length < bytes) return 'more'
  // What follows no address that we know is to be passed over as a whole.
  if (width > 0 && !areExtensions(octets.subarray(fixedBytes + addresses, bytes))) return undefined
  if (command === 0x20 || width === 0) return { bytes, source: undefined }
  return { bytes, source: canonical(ipAddressText(octets.subarray(fixedBytes, fixedBytes + width))) }
}

/** Whether octets are types with their lengths and values, one after the other to the end. */
function areExtensions(octets: Buffer): boolean {
  let at = 0
  while (at + 3 <= octets.length) at += 3 + octets.readUInt16BE(at + 1)
  return at === octets.length
}
