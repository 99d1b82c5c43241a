import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { messagesOf } from '../src/directory/messages.ts'
import { isMalformed, shortLength } from '../src/link/short-length.ts'
import { linkedPair } from './streams.ts'

const maxLength = 2 ** 28 - 1

/** Unsigned varint, as in the multiformats specification. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))]
}

test('a length is read whole, and more is asked for until it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxLength }), (length) => {
      const octets = Uint8Array.from(varint(length))
      assert.equal(shortLength(octets), length)
      assert.equal(shortLength(new Uint8ArrayList(...[...octets].map((octet) => Uint8Array.of(octet)))), length)
      if (octets.length > 1) assert.throws(() => shortLength(octets.subarray(0, -1)), RangeError)
    }),
  )
})

test('a message whose length does not end, or is beyond the ceiling, is refused as soon as that is seen', async () => {
  await using pair = await linkedPair()
  for (const octets of [[0xff, 0xff, 0xff, 0xff], varint(maxLength)]) {
    const [client, server] = await pair.open()
    const read = messagesOf(server).read()
    client.send(Uint8Array.from(octets))
    await assert.rejects(read, isMalformed)
  }
})

test('a stream that breaks is nobody’s malformed message', async () => {
  await using pair = await linkedPair()
  const [client, server] = await pair.open()
  const read = messagesOf(server).read()
  client.send(Uint8Array.of(9, 1))
  client.abort(new Error('gone'))
  await assert.rejects(read, (error) => !isMalformed(error))
})
