import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** The longest length there is: a message of it is never there while even its length is not. */
const unknown = 0xffff

interface LengthPrefixed {
  decoder: { lengthDecoder(octets: Uint8ArrayList): number }
}

function isLengthPrefixed(stream: object): stream is LengthPrefixed {
  return 'decoder' in stream && typeof stream.decoder === 'object' && stream.decoder !== null
}

/**
 * Decorates a Noise stream so that the end of what has arrived is no exception. As published
 * (@chainsafe/libp2p-noise 17.0.0) its reader of lengths throws, with a stack trace, after every last message of a read.
 */
export function expectPartialLength(stream: MessageStream): void {
  if (!isLengthPrefixed(stream)) return
  stream.decoder.lengthDecoder = (octets) => (octets.byteLength < 2 ? unknown : (octets.get(0) << 8) | octets.get(1))
}
