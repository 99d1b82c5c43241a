import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { wholeMessages } from '../src/link/noise-messages.ts'

const tag = Buffer.alloc(16, 0xee)

/** A stream with what a Noise stream has, and a cipher that tells in how many pieces it was given what. */
function noiseLike() {
  const [stream] = multiaddrConnectionPair({ delay: 0 })
  const given: Array<{ readonly bytes: number; readonly pieces: number }> = []
  const handshake = {
    encrypt(plain: Uint8ArrayList) {
      given.push({ bytes: plain.byteLength, pieces: [...plain].length })
      return new Uint8ArrayList(
        plain.subarray().map((octet) => octet ^ 0xff),
        tag,
      )
    },
    decrypt(message: Uint8Array) {
      assert.ok(Buffer.from(message.subarray(-tag.length)).equals(tag))
      return message.subarray(0, -tag.length).map((octet) => octet ^ 0xff)
    },
  }
  const ciphers = {
    handshake,
    decoder: { buffer: new Uint8ArrayList(), decode: (octets: Uint8ArrayList): Iterable<Uint8Array> => octets },
    encrypt: (plain: Uint8ArrayList) => plain,
    decrypt: (message: Uint8Array) => message,
  }
  const noise = Object.assign(stream, ciphers)
  wholeMessages(stream)
  return { noise, given }
}

const content = Buffer.from(Array.from({ length: 200_001 }, (_, at) => at % 251))
const pieces = [content.subarray(0, 3), content.subarray(3, 100_000), content.subarray(100_000)]

test('what is sent is enciphered in as few messages as there can be, each of one piece', () => {
  const { given, noise } = noiseLike()
  noise.encrypt(Uint8ArrayList.fromUint8Arrays(pieces))
  const full = { bytes: 65_519, pieces: 1 }
  assert.deepEqual(given, [full, full, full, { bytes: content.length - 3 * 65_519, pieces: 1 }])
})

test('messages are read whole wherever their octets were cut', () => {
  const wire = noiseLike().noise.encrypt(Uint8ArrayList.fromUint8Arrays(pieces)).subarray()
  for (const size of [1, 2, 3, 17, 65_536, wire.length]) {
    const { noise } = noiseLike()
    const read: Uint8Array[] = []
    for (let at = 0; at < wire.length; at += size)
      for (const message of noise.decoder.decode(new Uint8ArrayList(wire.subarray(at, at + size))))
        read.push(noise.decrypt(message))
    assert.equal(read.length, 4)
    assert.ok(Buffer.concat(read).equals(content), `cut every ${size} octets`)
  }
})

test('a message too short to have a tag is no message', () => {
  const { noise } = noiseLike()
  const [message] = noise.decoder.decode(new Uint8ArrayList(Buffer.of(0, 3, 1, 2, 3)))
  assert.ok(message)
  assert.throws(() => noise.decrypt(message), { code: 'BAD_MESSAGE' })
})
