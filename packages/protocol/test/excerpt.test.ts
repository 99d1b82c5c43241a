import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { excerpt, nearest, portProblem, quoted, readable } from '../src/index.ts'

test('an excerpt is one line that a person can read, whatever the text is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 100 }), (text, max) => {
      const line = excerpt(text, max)
      assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u)
      // A character that steers a terminal takes up to ten.
      assert.ok(line.length <= 10 * max + 30)
    }),
    { numRuns: 30 },
  )
  assert.equal(excerpt('short'), 'short')
  assert.equal(excerpt('one\ntwo\u001b[31m'), 'one\\ntwo\\u{1b}[31m')
  assert.equal(excerpt('x'.repeat(4_000_000), 3), 'xxx… (4000000 characters)')
})

test('a value is quoted as JSON as far as it fits on a line, also one that is no JSON', () => {
  const round: Record<string, unknown> = {}
  round['self'] = round
  assert.equal(quoted({ a: [1, 'b'] }), '{"a":[1,"b"]}')
  assert.equal(quoted(undefined), 'undefined')
  assert.equal(quoted(round), 'a value that refers to itself')
  fc.assert(fc.property(fc.anything(), (value) => assert.ok(quoted(value).length < 1000)))
  for (const value of ['\n'.repeat(4_000_000), 'x'.repeat(4_000_000), Array(1_000_000).fill('x')])
    assert.match(quoted(value), /^.{1,1000}… \(\d+ characters\)$/)
})

test('a message keeps its lines, as many and as long as a person reads', () => {
  assert.equal(readable('one\n  two'), 'one\n  two')
  const lines = readable(`${'x'.repeat(1_000_000)}\n`.repeat(4) + 'y\n'.repeat(1_000_000)).split('\n')
  assert.equal(lines.length, 61)
  assert.ok(lines.every((line) => line.length < 500))
})

test('a misspelt name is taken for the one it resembles, and for none where it resembles none', () => {
  const known = ['billing', 'orders', 'customers']
  assert.equal(nearest('biling', known), 'billing')
  assert.equal(nearest('ORDER', known), 'orders')
  assert.equal(nearest('inventory', known), undefined)
  assert.equal(nearest('x'.repeat(4_000_000), known), undefined)
})

test('a port above 65535 is too large, wherever an address has it', () => {
  for (const address of ['/ip4/0.0.0.0/tcp/', '/ip6/::/tcp/', 'http://0.0.0.0:', 'https://[::1]:', 'http://h.example:'])
    for (const [port, wrong] of [
      ['65535', false],
      ['0', false],
      ['65536', true],
      ['9'.repeat(400), true],
    ] as const)
      assert.equal(portProblem(`${address}${port}`) !== undefined, wrong, `${address}${port}`)
  assert.equal(portProblem('http://[2001:db8::99999]'), undefined)
})
