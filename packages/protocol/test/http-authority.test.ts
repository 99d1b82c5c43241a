import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAuthority } from '../src/index.ts'

test('an authority is a host, with or without a port', () => {
  for (const [text, host, port] of [
    ['h', 'h', undefined],
    ['API.Example.COM', 'api.example.com', undefined],
    ['api.example.com:8443', 'api.example.com', 8443],
    ['my_api-1.x', 'my_api-1.x', undefined],
    ['xn--caf-dma.example:1', 'xn--caf-dma.example', 1],
    ['192.0.2.1:65535', '192.0.2.1', 65_535],
    ['[::1]', '[::1]', undefined],
    ['[2001:DB8:0:0::1]:80', '[2001:db8::1]', 80],
    ['[::ffff:192.0.2.1]', '192.0.2.1', undefined],
  ] as const)
    assert.deepEqual(readAuthority(text), { host, port }, text)
})

test('what is not host and port, or could be read as another host, is no authority', () => {
  for (const text of [
    '',
    ':80',
    '.',
    'a..b',
    '.a',
    'a.',
    'a.:80',
    ' a',
    'a ',
    'a b',
    'a	b',
    'a,b',
    'a, b',
    'u@h',
    'u:p@h',
    '@h',
    'h/',
    'h/x',
    'h?x',
    'h#x',
    'h\\x',
    'http://h',
    '//h',
    '*',
    '*.h',
    'h:',
    'h:0',
    'h:00080',
    'h:080',
    'h:65536',
    'h:999999',
    'h:8a',
    'h:-1',
    'h:+1',
    'h:1:2',
    'h:80:',
    'h: 80',
    '[::1',
    '::1',
    '::1]',
    '[]',
    '[::1]x',
    '[::1]80',
    '[::1]:',
    '[::1%eth0]',
    '[127.0.0.1]',
    '[g::1]',
    'a[::1]',
    '[::1].a',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '1.2.3.4.5',
    '256.1.1.1',
    'a.1',
    'a.0x',
    '1',
    'h%41',
    'a!b',
    'café',
    'ı',
    'h\0',
    'h',
    'a。b',
  ])
    assert.equal(readAuthority(text), undefined, JSON.stringify(text))
})

test('a URL parser finds the same host and port in an authority', () => {
  const piece = fc.constantFrom(
    'a',
    'A',
    '0',
    '1',
    '.',
    '..',
    '-',
    '_',
    ':',
    '8',
    '80',
    '[',
    ']',
    '::1',
    '@',
    '/',
    '%41',
    '127',
    '0x7f',
    'xn',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const read = readAuthority(pieces.join(''))
      if (read === undefined) return
      const { hostname, pathname, port, username } = new URL(`http://${pieces.join('')}`)
      assert.deepEqual([hostname, pathname, username], [read.host, '/', ''])
      assert.equal(port, read.port === undefined || read.port === 80 ? '' : String(read.port))
    }),
    { numRuns: 5000 },
  )
})
