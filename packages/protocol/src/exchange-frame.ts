import { OctetWriter } from './octets.ts'

/** Frame of a trunk: length(3) type(1) exchange(4) payload. */
export const frameType = {
  REQUEST: 1,
  INTERIM: 2,
  RESPONSE: 3,
  BODY: 4,
  END: 5,
  CREDIT: 6,
  RESET: 7,
  GOAWAY: 8,
  PING: 9,
  PONG: 10,
} as const
export type FrameType = (typeof frameType)[keyof typeof frameType]

export const frameHeaderSize = 8
export const maxPayload = 64 * 1024

/** Smallest and largest payload by type; a frame outside is a violation, found before anything is kept of it. */
const bounds: Readonly<Record<number, readonly [min: number, max: number]>> = {
  [frameType.REQUEST]: [1, maxPayload],
  [frameType.INTERIM]: [1, maxPayload],
  [frameType.RESPONSE]: [1, maxPayload],
  [frameType.BODY]: [1, maxPayload],
  [frameType.END]: [0, maxPayload],
  [frameType.CREDIT]: [4, 4],
  [frameType.RESET]: [2, 258],
  [frameType.GOAWAY]: [4, 4],
  [frameType.PING]: [8, 8],
  [frameType.PONG]: [8, 8],
}

/** Types that speak of the trunk, not of an exchange: their exchange field is 0; all others have one above 0. */
const trunkWide = new Set<number>([frameType.GOAWAY, frameType.PING, frameType.PONG])

/** Writes a frame header into eight octets of `into`, at `at`. */
export function writeFrameHeader(into: Buffer, at: number, type: FrameType, exchange: number, length: number): void {
  into.writeUInt32BE(((length << 8) | type) >>> 0, at)
  into.writeUInt32BE(exchange, at + 4)
}

export function encodeFrame(type: FrameType, exchange: number, payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderSize + payload.byteLength)
  writeFrameHeader(out, 0, type, exchange, payload.byteLength)
  out.set(payload, frameHeaderSize)
  return out
}

/** A frame whose payload is one number of two or four octets. */
export function encodeNumberFrame(type: FrameType, exchange: number, value: number, size: 2 | 4): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderSize + size)
  writeFrameHeader(out, 0, type, exchange, size)
  out.writeUIntBE(value, frameHeaderSize, size)
  return out
}

/** A writer whose first octets are kept free for the header that `closeFrame` fills in. */
export function openFrame(reserve: number): OctetWriter {
  return new OctetWriter(reserve, frameHeaderSize)
}

export function closeFrame(writer: OctetWriter, type: FrameType, exchange: number): Buffer {
  const out = writer.finish()
  writeFrameHeader(out, 0, type, exchange, out.length - frameHeaderSize)
  return out
}

/** Takes frames as they are read. BODY arrives in pieces as the octets come; every other payload arrives whole. */
export interface FrameSink {
  frame(type: FrameType, exchange: number, payload: Buffer): void
  body(exchange: number, piece: Uint8Array): void
  /** The octets are no trunk. Nothing follows. */
  violation(detail: string): void
}

/**
 * Cuts a byte stream into frames. Holds at most one header or one payload that is not BODY (64 KiB); pieces of BODY
 * are passed on as they stand in the chunk, without a copy.
 */
export class FrameReader {
  readonly #sink: FrameSink
  readonly #header = Buffer.alloc(frameHeaderSize)
  #headerLength = 0
  #type: number = 0
  #exchange = 0
  #missing = 0
  #payload: Buffer | undefined
  #payloadLength = 0
  #broken = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  push(chunk: Uint8Array): void {
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (at < octets.length && !this.#broken) {
      if (this.#missing === 0) {
        at = this.#readHeader(octets, at)
        continue
      }
      const size = Math.min(this.#missing, octets.length - at)
      const piece = octets.subarray(at, at + size)
      at += size
      this.#missing -= size
      if (this.#type === frameType.BODY) this.#sink.body(this.#exchange, piece)
      else this.#readPayload(piece)
    }
  }

  #readHeader(octets: Buffer, at: number): number {
    let source = octets
    let from = at
    let next = at + frameHeaderSize
    if (this.#headerLength > 0 || octets.length - at < frameHeaderSize) {
      const size = Math.min(frameHeaderSize - this.#headerLength, octets.length - at)
      octets.copy(this.#header, this.#headerLength, at, at + size)
      this.#headerLength += size
      if (this.#headerLength < frameHeaderSize) return at + size
      this.#headerLength = 0
      source = this.#header
      from = 0
      next = at + size
    }
    const word = source.readUInt32BE(from)
    this.#type = word & 0xff
    this.#exchange = source.readUInt32BE(from + 4)
    const length = word >>> 8
    const bound = bounds[this.#type]
    if (bound === undefined) return this.#fail('unknown frame type', octets)
    if (length < bound[0] || length > bound[1]) return this.#fail('frame length out of bounds', octets)
    if ((this.#exchange === 0) !== trunkWide.has(this.#type)) return this.#fail('exchange id out of place', octets)
    this.#missing = length
    if (length === 0) this.#sink.frame(this.#type as FrameType, this.#exchange, Buffer.alloc(0))
    return next
  }

  #readPayload(piece: Buffer): void {
    if (this.#payload === undefined && this.#missing === 0) {
      this.#sink.frame(this.#type as FrameType, this.#exchange, piece)
      return
    }
    this.#payload ??= Buffer.allocUnsafe(piece.length + this.#missing)
    piece.copy(this.#payload, this.#payloadLength)
    this.#payloadLength += piece.length
    if (this.#missing > 0) return
    const whole = this.#payload
    this.#payload = undefined
    this.#payloadLength = 0
    this.#sink.frame(this.#type as FrameType, this.#exchange, whole)
  }

  #fail(detail: string, octets: Buffer): number {
    this.#broken = true
    this.#sink.violation(detail)
    return octets.length
  }
}
