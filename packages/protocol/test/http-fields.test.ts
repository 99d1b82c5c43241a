import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endToEndFields, fieldValue } from '../src/index.ts'

const none: ReadonlySet<string> = new Set()

test('fields of one connection are not forwarded, nor those that Connection names', () => {
  const fields = [
    'Connection',
    'close, X-Own',
    'X-Own',
    '1',
    'Keep-Alive',
    '5',
    'TE',
    'trailers',
    'Accept',
    '*/*',
    'x-own',
    '2',
  ]
  assert.deepEqual(endToEndFields(fields, none), ['Accept', '*/*'])
})

test('order and duplicates stay', () => {
  const fields = ['set-cookie', 'a=1', 'x', 'y', 'Set-Cookie', 'b=2']
  assert.deepEqual(endToEndFields(fields, none), fields)
})

test('several lines of one field are one value, joined by commas', () => {
  assert.equal(fieldValue(['Via', '1.1 a', 'x', 'y', 'via', '1.1 b'], 'via'), '1.1 a, 1.1 b')
  assert.equal(fieldValue(['x', 'y'], 'via'), undefined)
})
