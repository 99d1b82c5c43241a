import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxProxyBytes, type ProxyHeader, readProxyHeader } from '../src/proxy-header.ts'

interface Vector {
  readonly what: string
  /** Octets in base16, or a header of version 1 as it is. */
  readonly octets?: string
  readonly text?: string
  /** What is read; null for what is no header. */
  readonly header: (Pick<ProxyHeader, 'bytes'> & { readonly source?: string }) | null
}

const vectors = JSON.parse(readFileSync(new URL('./vectors/proxy-headers.json', import.meta.url), 'utf8')) as Vector[]
const octetsOf = ({ octets, text = '' }: Vector) =>
  octets === undefined ? Buffer.from(text, 'latin1') : Buffer.from(octets, 'hex')

test('headers of both versions are read as the vectors say', () => {
  for (const vector of vectors) {
    const { header, what } = vector
    const read = readProxyHeader(octetsOf(vector))
    if (header === null) assert.equal(read, undefined, what)
    else assert.deepEqual(read, { bytes: header.bytes, source: header.source }, what)
  }
})

test('a header may arrive octet by octet, and ends where it ends whatever is behind it', () => {
  for (const vector of vectors) {
    const octets = octetsOf(vector)
    if (vector.header === null) continue
    for (let size = 0; size < vector.header.bytes; size++)
      assert.equal(readProxyHeader(octets.subarray(0, size)), 'more', vector.what)
    const request = Buffer.concat([octets.subarray(0, vector.header.bytes), Buffer.from('GET / HTTP/1.1\r\n\r\n')])
    assert.deepEqual(readProxyHeader(request), readProxyHeader(octets), vector.what)
  }
})

test('what begins as no header does is found out at once, and nothing is asked for beyond the longest one', () => {
  for (const start of ['G', 'GET / HTTP/1.1', 'PROXX', 'proxy ', '\x16\x03\x01', '\r\n\r\n\0\r\nQUIX', '\n'])
    assert.equal(readProxyHeader(Buffer.from(start, 'latin1')), undefined, start)
  assert.equal(readProxyHeader(Buffer.from(`PROXY TCP4 ${'1'.repeat(95)}`)), 'more')
  assert.equal(readProxyHeader(Buffer.from(`PROXY TCP4 ${'1'.repeat(96)}`)), undefined)
  fc.assert(
    fc.property(
      fc.constantFrom('PROXY ', '\r\n\r\n\0\r\nQUIT\n', ''),
      fc.uint8Array({ maxLength: 200 }),
      (start, rest) => {
        const octets = Buffer.concat([Buffer.from(start, 'latin1'), rest])
        const read = readProxyHeader(octets)
        if (read === 'more') assert.ok(octets.length < 16 + maxProxyBytes)
        else if (read !== undefined) assert.ok(read.bytes <= octets.length)
      },
    ),
  )
})
