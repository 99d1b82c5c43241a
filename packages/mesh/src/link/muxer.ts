import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { callDirectly } from './direct.ts'

/** Window of one stream, and the read buffer that must hold a whole window while the stream is paused. */
const windowBytes = 1024 * 1024
export const maxStreamsPerLink = 8192

/** What the decorator needs of a yamux stream (@chainsafe/libp2p-yamux 8.0.1, stream.js). */
interface WindowedStream {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  readStatus: string
  sendWindowUpdate(): void
  sendResume(): void
  handleData(frame: object): void
}
interface Muxer {
  readonly streams: ReadonlyArray<WindowedStream & { readonly streamId: number }>
  _newStream(...args: unknown[]): WindowedStream
  send(octets: Uint8ArrayList): boolean
  sendFrame(header: Header, data?: Uint8ArrayList): boolean
  handleFrame(frame: { readonly header: Header; readonly data?: Uint8ArrayList }): void
}
interface Header {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}

/** yamux specification, section on framing. */
const dataFrame = 0
const headerBytes = 12

function encodeHeader({ flag, length, streamID, type }: Header): Buffer {
  const octets = Buffer.allocUnsafe(headerBytes)
  octets.writeUInt16BE(type, 0)
  octets.writeUInt16BE(flag, 2)
  octets.writeUInt32BE(streamID, 4)
  octets.writeUInt32BE(length, 8)
  return octets
}

/** States in which a window update carries the SYN or ACK that opens the stream. */
const opening = new Set([0, 2])

/**
 * yamux, its windows and buffers set together, and a window update only when half a window is used up: as published it
 * sends one for every frame it receives, a write and a wake-up of the other side each. And a stream that is paused again
 * by what its resume hands out stays paused: as published it takes more, until its buffer is full and it is reset. And
 * a frame of plain data is not described for a trace that is off.
 */
export function meshYamux(): () => StreamMuxerFactory {
  const factory = yamux({
    maxInboundStreams: maxStreamsPerLink,
    maxOutboundStreams: maxStreamsPerLink,
    maxEarlyStreams: 64,
    streamOptions: {
      maxStreamWindowSize: windowBytes,
      maxReadBufferLength: 2 * windowBytes,
      maxWriteBufferLength: 8 * windowBytes,
    },
  })()
  const createStreamMuxer = factory.createStreamMuxer.bind(factory)
  factory.createStreamMuxer = (connection) => thrifty(createStreamMuxer(connection))
  return () => factory
}

function thrifty<M extends object>(muxer: M): M {
  const inner = muxer as unknown as Muxer
  const newStream = inner._newStream.bind(inner)
  const sendFrame = inner.sendFrame.bind(inner)
  const handleFrame = inner.handleFrame.bind(inner)
  inner.sendFrame = (header, data) => {
    if (header.type !== dataFrame || data === undefined) return sendFrame(header, data)
    return inner.send(new Uint8ArrayList(encodeHeader(header), data))
  }
  inner.handleFrame = (frame) => {
    const { flag, streamID, type } = frame.header
    const plain = type === dataFrame && flag === 0
    const stream = plain ? inner.streams.find((each) => each.streamId === streamID) : undefined
    if (stream === undefined) handleFrame(frame)
    else stream.handleData(frame)
  }
  inner._newStream = (...args) => {
    const stream = newStream(...args)
    callDirectly(stream as unknown as MessageStream)
    const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
    stream.sendWindowUpdate = () => {
      if (opening.has(stream.state) || stream.recvWindowCapacity <= stream.recvWindow / 2) sendWindowUpdate()
    }
    const sendResume = stream.sendResume.bind(stream)
    stream.sendResume = () => {
      if (stream.readStatus !== 'paused') sendResume()
    }
    return stream
  }
  return muxer
}
