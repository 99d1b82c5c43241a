import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isHopByHop,
  OctetWriter,
  type RequestHead,
  type ResponseHead,
  readRequestHead,
  readResponseHead,
  readTrailers,
  writeFields,
  writeRequestHead,
  writeResponseHead,
} from '../src/index.ts'

const request: RequestHead = {
  service: 'billing',
  method: 'POST',
  scheme: 'https',
  authority: 'billing.example.com',
  target: '/v1/invoices?x=1',
  fields: ['Accept', '*/*', 'X-Twice', 'a', 'x-twice', 'b', 'cookie', 'caf\u00e9'],
  context: {
    requestId: 'r-1',
    client: '192.0.2.7',
    trace: '',
    subject: '',
    authentication: '',
    scopes: '',
    budgetMs: 60_000,
  },
  upgrade: false,
  end: false,
}

function encodeRequest(head: RequestHead): Buffer {
  const writer = new OctetWriter()
  writeRequestHead(writer, head)
  return writer.finish()
}

function encodeResponse(head: ResponseHead): Buffer {
  const writer = new OctetWriter()
  writeResponseHead(writer, head)
  return writer.finish()
}

/** Common names travel in lower case, others as they were written. */
const lowered = (fields: readonly string[]) => fields.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text))

test('heads are, octet for octet, those of the vectors', () => {
  const vectors = JSON.parse(readFileSync(new URL('./vectors/heads.json', import.meta.url), 'utf8')) as {
    request: string
    response: string
  }
  assert.equal(encodeRequest(request).toString('hex'), vectors.request)
  assert.equal(
    encodeResponse({ status: 200, backendUs: 1500, end: true, fields: ['content-length', '0', 'X-Own', 'v'] }).toString(
      'hex',
    ),
    vectors.response,
  )
})

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/).filter((name) => !isHopByHop(name))
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,60}$/)
const fields = fc.array(fc.tuple(token, value), { maxLength: 20 }).map((pairs) => pairs.flat())

test('a request head comes back with order, duplicates and octets of its fields kept', () => {
  fc.assert(
    fc.property(
      fields,
      token,
      fc.stringMatching(/^\/([\w\-.~!$&'()*+,;=:@/]|%[0-9a-fA-F]{2}){0,20}(\?([\w?/&=]|%3f){0,20})?$/),
      fc.boolean(),
      (lines, method, target, end) => {
        const head = { ...request, fields: lines, method, target, end }
        const back = readRequestHead(encodeRequest(head))
        assert.deepEqual(back && { ...back, fields: lowered(back.fields) }, { ...head, fields: lowered(lines) })
      },
    ),
  )
})

test('a response head comes back as it was', () => {
  fc.assert(
    fc.property(fields, fc.integer({ min: 100, max: 599 }), fc.boolean(), (lines, status, end) => {
      const back = readResponseHead(encodeResponse({ status, fields: lines, end, backendUs: 7 }))
      assert.deepEqual(back && { ...back, fields: lowered(back.fields) }, {
        status,
        end,
        backendUs: 7,
        fields: lowered(lines),
      })
    }),
  )
})

test('a head whose target or authority could be read in two ways is none', () => {
  const read = (given: Partial<RequestHead>) => readRequestHead(encodeRequest({ ...request, ...given }))
  for (const target of ['/', '/v1?x', '/%2e%2e/?', '/;a=b//@:']) assert.equal(read({ target })?.target, target)
  for (const target of [
    '',
    'v1',
    '*',
    'http://h/',
    '/x#.png',
    '/\xe9',
    '/\x7f',
    '/a b',
    '/\t',
    '/\\',
    '/?[',
    '/%',
    '/%2',
    '/%zz',
  ])
    assert.equal(read({ target }), undefined, target)
  assert.equal(read({ method: 'OPTIONS', target: '*' })?.target, '*')
  for (const authority of ['', 'h', 'h:1', '[::1]:65535']) assert.equal(read({ authority })?.authority, authority)
  for (const authority of [
    'u@h',
    'h/x',
    'a,b',
    'a..b',
    'h:',
    'h:0',
    'h:65536',
    '[::1',
    '::1',
    'h\xe9',
    'h?',
    'h#',
    ' ',
  ])
    assert.equal(read({ authority }), undefined, authority)
})

test('no octets make a head reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      readRequestHead(octets)
      readResponseHead(octets)
      readTrailers(octets)
    }),
  )
})

test('a head that was cut short, or altered in one octet, never becomes one with a forbidden octet in it', () => {
  const whole = encodeRequest(request)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, octet) => {
      const altered = Buffer.from(whole)
      altered[at] = octet
      const head = readRequestHead(altered)
      if (head === undefined) return
      for (const text of [head.method, head.target, head.authority, ...head.fields])
        assert.doesNotMatch(text, /[\r\n\0]/)
    }),
  )
  for (let length = 0; length < whole.length; length++)
    assert.equal(readRequestHead(whole.subarray(0, length)), undefined)
})

test('a line break in a name, a value, the method or the target makes no head', () => {
  for (const bad of [
    { fields: ['x', 'a\r\nb: c'] },
    { fields: ['x\n', 'a'] },
    { method: 'GET\r\n' },
    { target: '/\r\n' },
    { target: 'no-slash' },
    { authority: 'a b' },
  ]) {
    assert.equal(readRequestHead(encodeRequest({ ...request, ...bad })), undefined, JSON.stringify(bad))
  }
})

test('an answer that speaks of its connection is none, unless it upgrades it, and then no more than that', () => {
  const headOf = (status: number, name: string) =>
    readResponseHead(encodeResponse({ status, fields: [name, 'v'], backendUs: 0, end: false }))
  for (const name of ['Connection', 'transfer-encoding', 'Trailer', 'Keep-Alive', 'TE', 'proxy-authenticate']) {
    assert.equal(headOf(200, name), undefined, name)
    assert.equal(headOf(101, name), undefined, name)
    const writer = new OctetWriter()
    writeFields(writer, [name, 'v'])
    assert.equal(readTrailers(writer.finish()), undefined, name)
  }
  assert.equal(headOf(200, 'Upgrade'), undefined)
  assert.deepEqual(headOf(101, 'Upgrade')?.fields, ['upgrade', 'v'])
})

test('more fields than the ceiling make no head', () => {
  const writer = new OctetWriter()
  writeFields(
    writer,
    Array.from({ length: 2 * 513 }, () => 'x'),
  )
  assert.equal(readTrailers(writer.finish()), undefined)
})
