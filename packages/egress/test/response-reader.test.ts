import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Asked } from '../src/backend/response-head.ts'
import { hear, plainly } from './heard-response.ts'
import { seeded } from './seeded.ts'

interface Vector {
  readonly name: string
  readonly text: string
  readonly asked?: Asked
  readonly said: readonly string[]
  /** Octets behind the response, which are not read. */
  readonly behind?: string
}

const byHead: Asked = { head: true, upgrade: false }
const toUpgrade: Asked = { head: false, upgrade: true }

/** Every framing of RFC 9112 section 6.3. */
const vectors: readonly Vector[] = [
  {
    name: 'an answer to HEAD has no content, whatever its length says',
    asked: byHead,
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
    said: ['head 200 none closes', 'end'],
  },
  {
    name: 'an answer to HEAD has no content, whatever its coding says',
    asked: byHead,
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    behind: '0\r\n\r\n',
    said: ['head 200 none closes', 'end'],
  },
  {
    name: 'a 204 has no content',
    text: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    behind: 'hello',
    said: ['head 204 none closes', 'end'],
  },
  {
    name: 'a 304 has no content',
    text: 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 1000\r\n\r\n',
    said: ['head 304 none closes', 'end'],
  },
  {
    name: 'interim heads precede the final one and have no content',
    text:
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-length: 9\r\n\r\n' +
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    said: ['head 100 interim kept', 'head 103 interim kept', 'head 200 sized 2 kept', 'data ok', 'end'],
  },
  {
    name: 'content of a length ends with its last octet',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    behind: 'HTTP/1.1 200 OK\r\n\r\n',
    said: ['head 200 sized 5 kept', 'data hello', 'end'],
  },
  {
    name: 'content of length 0 is none',
    text: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
    said: ['head 404 none kept', 'end'],
  },
  {
    name: 'chunks with extensions, and trailer fields behind them',
    text:
      'HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n' +
      'C;a=b;c="d e"\r\n, chunked \r\n\r\n0001 ;x\r\n!\r\n000;last\r\nx-sum: 42\r\nX-Empty:\r\n\r\n',
    behind: '\r\n',
    said: ['head 200 chunked kept', 'data hello, chunked \r\n!', 'end x-sum 42 X-Empty '],
  },
  {
    name: 'chunks without trailer fields, and whatever stands in them',
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n0\r\n\r\n\xff\0\r\n0\r\n\r\n',
    said: ['head 200 chunked kept', 'data 0\r\n\r\n\xff\0', 'end'],
  },
  {
    name: 'no chunk but the last',
    text: 'HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n',
    said: ['head 500 chunked closes', 'end'],
  },
  {
    name: 'content until the connection closes',
    text: 'HTTP/1.1 200 OK\r\n\r\nuntil\r\n\r\nthe end',
    said: ['head 200 untilClose closes', 'data until\r\n\r\nthe end'],
  },
  {
    name: 'HTTP/1.0, which closes',
    text: 'HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    said: ['head 200 sized 5 closes', 'data hello', 'end'],
  },
  {
    name: 'an upgrade, and the first octets of the tunnel behind it',
    asked: toUpgrade,
    text: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    behind: '\x81\x02hi HTTP/1.1 200 OK\r\n\r\n',
    said: ['head 101 tunnel closes'],
  },
  {
    name: 'an upgrade that the backend does not wish',
    asked: toUpgrade,
    text: 'HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno',
    said: ['head 426 sized 2 closes', 'data no', 'end'],
  },
  {
    name: 'a 204 that announces no content',
    text: 'HTTP/1.1 204 No Content\r\n\r\n',
    said: ['head 204 none kept', 'end'],
  },
]

function octetsOf({ behind = '', text }: Vector): Buffer {
  return Buffer.from(text + behind, 'latin1')
}

/** That the vector is read as it is written, whatever the cuts. */
function readsAs(vector: Vector, cuts: readonly number[]): void {
  const { heard } = hear(octetsOf(vector), cuts, vector.asked)
  const where = `${vector.name}, cut at ${cuts.join(', ')}`
  assert.deepEqual(heard.said, vector.said, where)
  assert.equal(heard.read, vector.text.length, where)
}

suite('every framing', () => {
  for (const vector of vectors) test(vector.name, () => readsAs(vector, []))
})

test('a response that arrives in two or three pieces is the same response, wherever it is cut', () => {
  for (const vector of vectors) {
    const { length } = octetsOf(vector)
    for (let first = 0; first < length; first++)
      for (let second = first; second < length; second++) readsAs(vector, [first, second])
  }
})

test('a response that arrives octet by octet is the same response', () => {
  for (const vector of vectors)
    readsAs(
      vector,
      Array.from({ length: octetsOf(vector).length }, (_, at) => at),
    )
})

test('a response that arrives in any number of pieces is the same response', () => {
  const below = seeded(1)
  for (let run = 0; run < 200; run++) {
    for (const vector of vectors) {
      const { length } = octetsOf(vector)
      const cuts = Array.from({ length: below(12) }, () => below(length)).toSorted((a, b) => a - b)
      readsAs(vector, cuts)
    }
  }
})

test('the end of the connection ends content that is read until then, and breaks off all other', () => {
  for (const [text, whole] of [
    ['HTTP/1.1 200 OK\r\n\r\n', true],
    ['HTTP/1.1 200 OK\r\n\r\nsome', true],
    ['HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nsome', true],
    ['', false],
    ['HTTP/1.1 200 OK\r\n', false],
    ['HTTP/1.1 100 Continue\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sum: 42\r\n', false],
  ] as const) {
    const { heard, reader } = hear(Buffer.from(text))
    assert.equal(reader.close(), whole, text)
    assert.equal(heard.said.includes('end'), whole, text)
    assert.equal(reader.close(), false)
  }
})

test('a connection is kept as version and Connection say, and never behind content that its end delimits', () => {
  for (const [version, fields, kept] of [
    ['1.1', '', true],
    ['1.1', 'Connection: keep-alive\r\n', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'connection: x, CLOSE\r\n', false],
    ['1.1', 'connection: keep-alive\r\nconnection: close\r\n', false],
    ['1.1', 'connection: closed\r\n', true],
    ['1.0', '', false],
    ['1.0', 'Connection: Keep-Alive\r\n', true],
    ['1.0', 'Connection: keep-alive, close\r\n', false],
    ['1.0', 'Connection: x\r\n', false],
  ] as const) {
    const sized = hear(Buffer.from(`HTTP/${version} 200 OK\r\n${fields}content-length: 2\r\n\r\nok`))
    assert.equal(sized.heard.said[0], `head 200 sized 2 ${kept ? 'kept' : 'closes'}`, `${version} ${fields}`)
    const open = hear(Buffer.from(`HTTP/${version} 200 OK\r\n${fields}\r\nok`))
    assert.equal(open.heard.said[0], 'head 200 untilClose closes', `${version} ${fields}`)
  }
})

test('fields are told in order and as written, without the blanks around them', () => {
  const text =
    'HTTP/1.1 200 Z\xe4h\r\nSet-Cookie: a=1\r\nset-cookie:b=2\r\nX-Name:\t Zo\xeb \t\r\nx-empty:\r\nx-a: b  c:d\r\n\r\n'
  const { heard } = hear(Buffer.from(text, 'latin1'))
  const expected = ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'X-Name', 'Zo\xeb', 'x-empty', '', 'x-a', 'b  c:d']
  assert.deepEqual(heard.fields, expected)
})

test('one response after another is read off a connection, each as its request asks', () => {
  const { heard, reader } = hear(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
  reader.expect(byHead)
  reader.push(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n'))
  reader.expect(plainly)
  reader.push(Buffer.from('HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n'))
  const said = ['head 200 sized 2 kept', 'data ok', 'end', 'head 200 none closes', 'end', 'head 404 none kept', 'end']
  assert.deepEqual(heard.said, said)
  assert.equal(reader.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), 0)
  assert.deepEqual(heard.said, said)
})
