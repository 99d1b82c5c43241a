import { yamux } from '@chainsafe/libp2p-yamux'
import type { StreamMuxerFactory } from '@libp2p/interface'

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
}
interface WindowedMuxer {
  _newStream(...args: unknown[]): WindowedStream
}

/** States in which a window update carries the SYN or ACK that opens the stream. */
const opening = new Set([0, 2])

/**
 * yamux, its windows and buffers set together, and a window update only when half a window is used up: as published it
 * sends one for every frame it receives, a write and a wake-up of the other side each. And a stream that is paused again
 * by what its resume hands out stays paused: as published it takes more, until its buffer is full and it is reset.
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
  const inner = muxer as unknown as WindowedMuxer
  const newStream = inner._newStream.bind(inner)
  inner._newStream = (...args) => {
    const stream = newStream(...args)
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
