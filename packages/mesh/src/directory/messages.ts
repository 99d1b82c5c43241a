import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { maxDirectoryMessage } from '@postern/protocol'
import { shortLength } from '../link/short-length.ts'

/** A stream of length-prefixed messages (unsigned varint), each at most 16 KiB. */
export function messagesOf(stream: Stream) {
  return lpStream(stream, {
    lengthDecoder: shortLength,
    maxDataLength: maxDirectoryMessage,
    maxBufferSize: 4 * maxDirectoryMessage,
  })
}
