import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOriginForm, readRequestTarget, withEncodedQuery } from '../src/index.ts'

const origin = (target: string) => ({ authority: undefined, target })

test('a target is a path with an optional query, by itself or behind an authority', () => {
  for (const [method, text, read] of [
    ['GET', '/', origin('/')],
    ['GET', "/a/b.c;d=e//%2F/:@!$&'()*+,=~-_?x=/?&y", origin("/a/b.c;d=e//%2F/:@!$&'()*+,=~-_?x=/?&y")],
    ['GET', '//h/a', origin('//h/a')],
    ['OPTIONS', '*', origin('*')],
    ['GET', 'http://h:1/a?b', { authority: 'h:1', target: '/a?b' }],
    ['GET', 'HTTPS://h', { authority: 'h', target: '/' }],
    ['GET', 'http://h?b', { authority: 'h', target: '/?b' }],
    ['OPTIONS', 'http://h', { authority: 'h', target: '*' }],
    ['OPTIONS', 'http://h/', { authority: 'h', target: '/' }],
    ['GET', 'http://u:p@h/a', { authority: 'u:p@h', target: '/a' }],
  ] as const)
    assert.deepEqual(readRequestTarget(method, text), read, text)
})

test('what is no target by RFC 9112 is none', () => {
  for (const text of ['', '*', 'a', 'h:80', 'ftp://h/', 'http:/h', 'http:///#', '?a', '#', ' /', '/ ', '*/'])
    assert.equal(readRequestTarget('GET', text), undefined, text)
  assert.equal(readRequestTarget('GET', 'http://h/#a'), undefined)
  assert.equal(readRequestTarget('GET', 'http://h#a'), undefined)
})

test('each octet that RFC 3986 does not allow in a path or a query makes it none', () => {
  const allowed = /[A-Za-z0-9\-._~!$&'()*+,;=:@/?]/
  for (let octet = 0; octet <= 0xff; octet++) {
    const character = String.fromCharCode(octet)
    const good = allowed.test(character)
    for (const text of [
      `/${character}`,
      `/a${character}b`,
      `/%20${character}`,
      `/?${character}`,
      `/a?b%20${character}c`,
    ])
      assert.equal(isOriginForm(text), good, JSON.stringify(text))
  }
  for (const text of ['/%', '/%2', '/%2g', '/%g2', '/?%', '/?%%41', '/%\uff12\uff10', '/\u0131', '/a\n'])
    assert.equal(isOriginForm(text), false, text)
})

test('what is a target and what is none is told in a time that grows with its length alone', () => {
  for (const piece of ['a', '%41', 'a%41', '/', '?']) {
    const long = `/${piece.repeat(60_000)}`
    assert.equal(isOriginForm(long), true)
    assert.equal(isOriginForm(`${long}#`), false)
  }
})

test('a query that is encoded for a client has no octet that it may not have, and a path stays as it is', () => {
  assert.equal(
    withEncodedQuery('/a[0]?f[x]={"y":"z|w"}&q=`^\\<>'),
    '/a[0]?f%5Bx%5D=%7B%22y%22:%22z%7Cw%22%7D&q=%60%5E%5C%3C%3E',
  )
  assert.equal(withEncodedQuery('/a|b'), '/a|b')
  fc.assert(
    fc.property(fc.stringMatching(/^\/[a-z]{0,5}\?[\x21\x22\x24\x26-\x7e]{0,40}$/), (target) => {
      const encoded = withEncodedQuery(target)
      assert.equal(isOriginForm(encoded), isOriginForm(target.replace(/["<>[\]\\^`{|}]/g, 'x')))
      if (isOriginForm(target)) assert.equal(encoded, target)
    }),
  )
})
