import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  circuitAnswers,
  decodeCircuitAnswer,
  decodeLayer,
  encodeCircuitAnswer,
  encodeLayer,
  layerSize,
} from '../src/index.ts'

const base = { expiresMs: 1_700_000_000_000, nonce: Buffer.alloc(16, 7) }

test('a layer has one size, whatever it says, and comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 34, maxLength: 38 }),
      fc.boolean(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (next, dial, key) => {
        const octets = encodeLayer({ ...base, instruction: { kind: 'forward', next, dial, key } })
        assert.equal(octets.length, layerSize)
        const instruction = decodeLayer(octets)?.instruction
        assert.ok(instruction?.kind === 'forward')
        assert.deepEqual(Buffer.from(instruction.next), Buffer.from(next))
        assert.equal(instruction.dial, dial)
        assert.deepEqual(Buffer.from(instruction.key), Buffer.from(key))
      },
    ),
  )
  const end = encodeLayer({ ...base, instruction: { kind: 'end', purpose: 'lookup', subject: Buffer.alloc(32, 1) } })
  assert.equal(end.length, layerSize)
  assert.deepEqual(decodeLayer(end)?.instruction, { kind: 'end', purpose: 'lookup', subject: Buffer.alloc(32, 1) })
})

test('no octets make the layer reader throw, and another version or size makes no layer', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (octets) => void decodeLayer(octets)))
  const octets = encodeLayer({ ...base, instruction: { kind: 'end', purpose: 'echo', subject: Buffer.alloc(0) } })
  for (const size of [layerSize - 1, layerSize + 1])
    assert.equal(decodeLayer(Buffer.concat([octets], size)), undefined, `${size} octets`)
  octets[0] = 1
  assert.equal(decodeLayer(octets), undefined)
})

test('every answer of a circuit is one octet and comes back, and an unknown octet is INVALID', () => {
  for (const answer of circuitAnswers) assert.equal(decodeCircuitAnswer(encodeCircuitAnswer(answer)[0]), answer)
  assert.equal(decodeCircuitAnswer(200), 'INVALID')
  assert.equal(decodeCircuitAnswer(undefined), 'INVALID')
})
