import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PieceQueue } from '../src/piece-queue.ts'

test('whatever is pushed and taken, the octets come out as they went in', () => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 3000 }).map((push) => ({ push })),
    fc.integer({ min: 1, max: 5000 }).map((take) => ({ take })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new PieceQueue()
      let pushed = 0
      let taken = 0
      for (const each of steps) {
        if ('push' in each) {
          queue.push(Uint8Array.from({ length: each.push }, (_, at) => (pushed + at) % 251))
          pushed += each.push
        } else if (queue.bytes > 0) {
          const piece = queue.take(each.take)
          assert.ok(piece.byteLength > 0 && piece.byteLength <= each.take)
          // Who has taken a piece may write over it.
          for (const octet of piece) assert.equal(octet, taken++ % 251)
          piece.fill(0xff)
        }
        assert.equal(queue.bytes, pushed - taken)
      }
      for (const piece of queue.takeAll()) for (const octet of piece) assert.equal(octet, taken++ % 251)
      assert.deepEqual([queue.bytes, taken], [0, pushed])
    }),
  )
})

test('octets that come one by one are few pieces', () => {
  const queue = new PieceQueue()
  for (let at = 0; at < 65_536; at++) queue.push(Uint8Array.of(at))
  assert.ok(queue.takeAll().length <= 16)
})
