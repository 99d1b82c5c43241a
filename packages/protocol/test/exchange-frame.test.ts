import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, FrameReader, type FrameType, frameType, maxPayload } from '../src/index.ts'

interface Heard {
  readonly type: number
  readonly exchange: number
  readonly payload: string
}

/** Feeds octets in pieces of the given sizes, and joins BODY pieces to what they were. */
function read(octets: Uint8Array, cuts: readonly number[] = []): { heard: Heard[]; violations: string[] } {
  const heard: Heard[] = []
  const violations: string[] = []
  const reader = new FrameReader({
    frame: (type, exchange, payload) => heard.push({ type, exchange, payload: payload.toString('hex') }),
    body: (exchange, piece) => {
      const last = heard.at(-1)
      const more = Buffer.from(piece).toString('hex')
      if (last?.type === frameType.BODY && last.exchange === exchange)
        heard[heard.length - 1] = { ...last, payload: last.payload + more }
      else heard.push({ type: frameType.BODY, exchange, payload: more })
    },
    violation: (detail) => violations.push(detail),
  })
  let at = 0
  for (const cut of cuts) {
    reader.push(octets.subarray(at, at + cut))
    at += cut
  }
  reader.push(octets.subarray(at))
  return { heard, violations }
}

test('frames are, octet for octet, those of the vectors', () => {
  const vectors = JSON.parse(readFileSync(new URL('./vectors/frames.json', import.meta.url), 'utf8')) as Array<{
    name: string
    type: keyof typeof frameType
    exchange: number
    payload: string
    octets: string
  }>
  for (const { exchange, name, octets, payload, type } of vectors) {
    assert.equal(encodeFrame(frameType[type], exchange, Buffer.from(payload, 'hex')).toString('hex'), octets, name)
    assert.deepEqual(read(Buffer.from(octets, 'hex')).heard, [{ type: frameType[type], exchange, payload }], name)
  }
})

const exchangeTypes = [frameType.REQUEST, frameType.INTERIM, frameType.RESPONSE, frameType.END] as const
const frame = fc.oneof(
  fc.record({
    type: fc.constantFrom<FrameType>(...exchangeTypes),
    exchange: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
  fc.record({
    type: fc.constant<FrameType>(frameType.PING),
    exchange: fc.constant(0),
    payload: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  }),
  fc.record({
    type: fc.constant<FrameType>(frameType.CREDIT),
    exchange: fc.integer({ min: 1, max: 9 }),
    payload: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  }),
)

test('frames are read the same, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
      (frames, cuts) => {
        const octets = Buffer.concat(frames.map(({ exchange, payload, type }) => encodeFrame(type, exchange, payload)))
        const expected = frames.map(({ exchange, payload, type }) => ({
          type,
          exchange,
          payload: Buffer.from(payload).toString('hex'),
        }))
        assert.deepEqual(read(octets, cuts), { heard: expected, violations: [] })
      },
    ),
  )
})

test('no octets make the reader throw, or go on after a violation', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }),
      (octets, cuts) => {
        const { violations } = read(octets, cuts)
        assert.ok(violations.length <= 1)
      },
    ),
  )
})

test('a frame longer than its type may be is refused at its header, before anything of it is kept', () => {
  const header = Buffer.alloc(8)
  header.writeUInt32BE((((maxPayload + 1) << 8) | frameType.REQUEST) >>> 0)
  header.writeUInt32BE(1, 4)
  assert.deepEqual(read(header), { heard: [], violations: ['frame length out of bounds'] })
})

test('a frame of the trunk with an exchange, and one of an exchange without, are refused', () => {
  assert.equal(read(encodeFrame(frameType.PING, 7, Buffer.alloc(8))).violations.length, 1)
  assert.equal(read(encodeFrame(frameType.BODY, 0, Buffer.alloc(8))).violations.length, 1)
})
