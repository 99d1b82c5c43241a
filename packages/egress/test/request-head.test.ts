import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FieldLines, PosternError, type RequestHead } from '@postern/protocol'
import { backendHead } from '../src/backend/request-head.ts'
import { requestHead } from './heads.ts'

/** The lines of a head behind its request line and host. */
function linesOf(given: Partial<RequestHead>): string[] {
  const { text } = backendHead(requestHead(given))
  assert.ok(text.endsWith('\r\n\r\n'))
  return text.slice(0, -4).split('\r\n').slice(2)
}

function refused(given: Partial<RequestHead>): void {
  assert.throws(
    () => backendHead(requestHead(given)),
    (error) => error instanceof PosternError && error.code === 'MALFORMED_REQUEST',
    JSON.stringify(given),
  )
}

test('a head is written octet for octet: request line, host, and the fields in their order', () => {
  const fields = ['Accept', '*/*', 'x-name', 'Zo\xeb', 'cookie', 'a=1', 'cookie', 'b=2', 'x-empty', '']
  assert.deepEqual(backendHead(requestHead({ method: 'DELETE', target: '/v1/\xe9?q=a%20b', fields })), {
    text:
      'DELETE /v1/\xe9?q=a%20b HTTP/1.1\r\nhost: api.example\r\n' +
      'Accept: */*\r\nx-name: Zo\xeb\r\ncookie: a=1\r\ncookie: b=2\r\nx-empty: \r\n\r\n',
    framing: 'none',
  })
})

test('the framing of the content is one, and is the one that the head announces', () => {
  const post = { method: 'POST' }
  const table: ReadonlyArray<readonly [Partial<RequestHead>, framing: string | number, lines: string[]]> = [
    [{}, 'none', []],
    [{ fields: ['content-length', '0'] }, 'none', ['content-length: 0']],
    [post, 'none', ['content-length: 0']],
    [{ method: 'PUT' }, 'none', ['content-length: 0']],
    [{ method: 'PATCH', fields: ['Content-Length', '0'] }, 'none', ['content-length: 0']],
    [{ method: 'DELETE' }, 'none', []],
    [{ ...post, end: false }, 'chunked', ['transfer-encoding: chunked']],
    [{ end: false }, 'chunked', ['transfer-encoding: chunked']],
    [{ ...post, end: false, fields: ['Content-Length', '5'] }, 5, ['content-length: 5']],
    [{ ...post, end: false, fields: ['content-length', '0'] }, 0, ['content-length: 0']],
    [{ end: false, fields: ['content-length', '5', 'a', 'b'] }, 5, ['a: b', 'content-length: 5']],
    [{ end: false, fields: ['content-length', '5', 'CONTENT-LENGTH', '5'] }, 5, ['content-length: 5']],
    [
      { end: false, fields: ['content-length', '9'.repeat(15)] },
      999_999_999_999_999,
      [`content-length: ${'9'.repeat(15)}`],
    ],
  ]
  for (const [given, framing, lines] of table) {
    assert.equal(backendHead(requestHead(given)).framing, framing, JSON.stringify(given))
    assert.deepEqual(linesOf(given), lines, JSON.stringify(given))
  }
})

test('an upgrade is asked for on our own connection, and has no content', () => {
  for (const end of [true, false]) {
    const given = { upgrade: true, end, fields: ['Upgrade', 'websocket', 'sec-websocket-version', '13'] }
    assert.equal(backendHead(requestHead(given)).framing, 'none')
    assert.deepEqual(linesOf(given), ['sec-websocket-version: 13', 'connection: upgrade', 'upgrade: websocket'])
  }
  const nothing = requestHead({ upgrade: true, fields: [] })
  assert.throws(() => backendHead(nothing), { code: 'MALFORMED_REQUEST' })
})

test('a field that frames the message or speaks of the connection is refused, however it is written', () => {
  for (const field of [
    ['transfer-encoding', 'chunked'],
    ['Transfer-Encoding', 'identity'],
    ['TRANSFER-ENCODING', ''],
    ['connection', 'close'],
    ['Connection', 'keep-alive, x-secret'],
    ['keep-alive', 'timeout=5'],
    ['proxy-connection', 'keep-alive'],
    ['host', 'other.example'],
    ['HOST', 'api.example'],
    ['trailer', 'x-sum'],
    ['upgrade', 'websocket'],
  ]) {
    for (const end of [true, false]) {
      refused({ end, fields: field })
      refused({ end, method: 'POST', fields: ['accept', '*/*', ...field, 'content-length', '0'] })
    }
  }
  refused({ upgrade: true, fields: ['connection', 'upgrade', 'upgrade', 'websocket'] })
})

test('a length that is none, that differs, or that nothing follows is refused', () => {
  const several: readonly FieldLines[] = [
    ['content-length', '5', 'content-length', '6'],
    ['content-length', '5', 'Content-Length', '05'],
    ['content-length', '0', 'content-length', '5', 'content-length', '0'],
  ]
  for (const fields of several) refused({ end: false, fields })
  for (const none of ['', ' 5', '5 ', '+5', '-1', '0x5', '5, 5', '1e3', '5.0', 'five', '\xb2', '9'.repeat(16)]) {
    for (const end of [true, false]) refused({ end, fields: ['content-length', none] })
  }
  refused({ method: 'POST', fields: ['content-length', '5'] })
  refused({ upgrade: true, end: false, fields: ['upgrade', 'websocket', 'content-length', '5'] })
})

test('an expectation is met here and does not reach the backend', () => {
  const fields = ['Expect', '100-continue', 'content-length', '5', 'expect', 'x']
  assert.deepEqual(linesOf({ method: 'POST', end: false, fields }), ['content-length: 5'])
})

test('a field that only looks like one of ours, or like a part of the language, goes on', () => {
  for (const name of [
    'hosts',
    'x-host',
    'connections',
    'content-lengths',
    'te',
    'constructor',
    '__proto__',
    'toString',
  ])
    assert.deepEqual(linesOf({ fields: [name, 'v'] }), [`${name}: v`])
})
