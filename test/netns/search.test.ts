import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formsOf } from './forms.ts'
import { addressOf } from './hosts.ts'
import { service } from './marks.ts'
import { Search } from './search.ts'

test('a search finds a word in every form in which it may stand, wherever that begins', () => {
  const words = [service, addressOf['relay-1'], Buffer.of(4, 10, 77, 1, 2, 6)]
  for (const word of words) {
    for (const form of formsOf(word)) {
      for (let before = 0; before < 2 * form.length; before++) {
        const octets = Buffer.concat([Buffer.alloc(before, form), form, Buffer.alloc(before)])
        assert.deepEqual([...new Search(words).in(octets)], [word])
      }
    }
    const statement = (before: number) => Buffer.concat([Buffer.alloc(before), Buffer.from(word), Buffer.alloc(before)])
    for (const before of [0, 1, 2, 3]) {
      const text = Buffer.from(statement(before).toString('base64url'))
      assert.deepEqual([...new Search(words).in(text)], [word])
    }
  }
  assert.deepEqual([...new Search(words).in(Buffer.from('10.77.1.2, billing-marker'))], [])
})
