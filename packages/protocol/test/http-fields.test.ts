import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endToEndFields, FieldNames, fieldValue } from '../src/index.ts'

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
  assert.deepEqual(endToEndFields(fields), ['Accept', '*/*'])
})

test('fields that are dropped are dropped whatever their case, and no others', () => {
  const dropped = new FieldNames(['via', 'x-real-ip'])
  const fields = ['VIA', '1', 'Via', '2', 'vib', '3', 'X-Real-IP', '4', 'x', '5']
  assert.deepEqual(endToEndFields(fields, dropped), ['vib', '3', 'x', '5'])
})

test('order and duplicates stay', () => {
  const fields = ['set-cookie', 'a=1', 'x', 'y', 'Set-Cookie', 'b=2']
  assert.deepEqual(endToEndFields(fields), fields)
})

test('several lines of one field are one value, joined by commas', () => {
  assert.equal(fieldValue(['Via', '1.1 a', 'x', 'y', 'via', '1.1 b'], 'via'), '1.1 a, 1.1 b')
  assert.equal(fieldValue(['x', 'y'], 'via'), undefined)
})
