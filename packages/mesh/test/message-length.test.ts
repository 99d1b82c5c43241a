import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LengthPrefixedDecoder, multiaddrConnectionPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { expectPartialLength } from '../src/link/message-length.ts'

/** A stream with the reader that a Noise stream has (its encoder.js), and how often that had nothing to read. */
function noiseLike() {
  const [stream] = multiaddrConnectionPair({ delay: 0 })
  const heard = { exceptions: 0 }
  const decoder = new LengthPrefixedDecoder({
    encodingLength: () => 2,
    lengthDecoder(octets) {
      if (octets.byteLength >= 2) return new DataView(Uint8Array.from(octets.subarray(0, 2)).buffer).getUint16(0)
      heard.exceptions += 1
      throw new RangeError('no length yet')
    },
  })
  return { stream: Object.assign(stream, { decoder }), decoder, heard }
}

const messages = [Buffer.from('one'), Buffer.alloc(300, 'x'), Buffer.alloc(0xffff, 'y'), Buffer.from('z')]
const octets = Buffer.concat(messages.flatMap((each) => [Buffer.of(each.length >> 8, each.length & 0xff), each]))

test('messages are read whole wherever the octets were cut, and the end of a read is no exception', () => {
  for (const size of [1, 2, 3, 5, 301, 65_536, octets.length]) {
    const { decoder, heard, stream } = noiseLike()
    expectPartialLength(stream)
    const read: Buffer[] = []
    for (let at = 0; at < octets.length; at += size) {
      const piece = new Uint8ArrayList(octets.subarray(at, at + size))
      for (const message of decoder.decode(piece)) read.push(Buffer.from(message.subarray()))
    }
    assert.ok(Buffer.concat(read).equals(Buffer.concat(messages)), `cut every ${size} octets`)
    assert.equal(read.length, messages.length)
    assert.equal(heard.exceptions, 0)
  }
})

test('as published, every read ends with an exception', () => {
  const { decoder, heard } = noiseLike()
  for (const _ of decoder.decode(new Uint8ArrayList(octets)));
  assert.equal(heard.exceptions, 1)
})
