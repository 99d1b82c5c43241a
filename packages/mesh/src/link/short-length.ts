import { InvalidDataLengthError, InvalidDataLengthLengthError, InvalidMessageLengthError } from '@libp2p/utils'
import { PosternError } from '@postern/protocol'
import type { Uint8ArrayList } from 'uint8arraylist'

const maxOctets = 4

/**
 * Reads the length of a message, an unsigned varint of at most 4 octets. Throws BAD_MESSAGE where it goes on beyond
 * that, and RangeError where more of it is to come. As published (@libp2p/utils 7.4.1) the reader of messages takes a
 * length that never ends for one that is not whole yet, and gathers its octets without bound.
 */
export function shortLength(octets: Uint8ArrayList | Uint8Array): number {
  let length = 0
  let at = 0
  for (const octet of octets instanceof Uint8Array ? octets : octets.subarray()) {
    length += (octet & 0x7f) * 2 ** (7 * at)
    at += 1
    if (octet < 0x80) return length
    if (at === maxOctets) throw new PosternError('BAD_MESSAGE', 'the length of a message does not end')
  }
  throw new RangeError('more of the length is to come')
}

/** Whether a message could not be read because of what its sender wrote, rather than because the stream broke. */
export function isMalformed(error: unknown): boolean {
  return (
    error instanceof InvalidDataLengthError ||
    error instanceof InvalidDataLengthLengthError ||
    error instanceof InvalidMessageLengthError ||
    (error instanceof PosternError && error.code === 'BAD_MESSAGE')
  )
}
