/** One direction of a TCP connection: who began it, and the first octets that he sent. */
export interface Flow {
  readonly from: string
  readonly to: string
  readonly octets: Buffer
}

interface Segment {
  readonly from: string
  readonly to: string
  readonly sequence: number
  readonly begins: boolean
  readonly content: Buffer
}

/** pcap-savefile(5): what comes before the packets, and before each of them. */
const fileHeader = 24
const packetHeader = 16
/** Linux "cooked" captures, as tcpdump makes of all interfaces: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2. */
const linkHeader: Readonly<Record<number, number>> = { 113: 16, 276: 20 }

/** What those who began connections sent first, up to so many octets of each, in the order of the stream. */
export function firstFlights(capture: Buffer, maxBytes: number): Flow[] {
  const flows = new Map<string, { readonly start: number; readonly flow: Flow }>()
  for (const { begins, content, from, sequence, to } of segmentsOf(capture)) {
    const key = `${from} ${to}`
    if (begins) flows.set(key, { start: sequence + 1, flow: { from, to, octets: Buffer.alloc(0) } })
    const known = flows.get(key)
    if (known === undefined || content.length === 0) continue
    const at = (sequence - known.start) >>> 0
    const { octets } = known.flow
    if (at > octets.length || octets.length >= maxBytes) continue
    const longer = Buffer.concat([octets.subarray(0, at), content])
    if (longer.length > octets.length) flows.set(key, { ...known, flow: { from, to, octets: longer } })
  }
  return [...flows.values()].map(({ flow }) => ({ ...flow, octets: flow.octets.subarray(0, maxBytes) }))
}

function* segmentsOf(capture: Buffer): Generator<Segment> {
  const skip = linkHeader[capture.readUInt32LE(20)]
  if (skip === undefined) throw new Error('a capture of a kind that is not known here')
  let at = fileHeader
  while (at + packetHeader <= capture.length) {
    const length = capture.readUInt32LE(at + 8)
    const packet = capture.subarray(at + packetHeader + skip, at + packetHeader + length)
    at += packetHeader + length
    const segment = packet.length >= 40 ? segmentOf(packet) : undefined
    if (segment !== undefined) yield segment
  }
}

/** Undefined where the packet is none of TCP over IPv4. */
function segmentOf(packet: Buffer): Segment | undefined {
  const versionAndLength = packet.readUInt8(0)
  if (versionAndLength >> 4 !== 4 || packet.readUInt8(9) !== 6) return undefined
  const tcp = packet.subarray((versionAndLength & 0xf) * 4, packet.readUInt16BE(2))
  const flags = tcp.readUInt8(13)
  const end = (address: number, port: number) =>
    `${packet.subarray(address, address + 4).join('.')}:${tcp.readUInt16BE(port)}`
  return {
    from: end(12, 0),
    to: end(16, 2),
    sequence: tcp.readUInt32BE(4),
    begins: (flags & 0x12) === 0x02,
    content: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  }
}
