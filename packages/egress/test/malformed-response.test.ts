import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { hear, type Listening, readerOf } from './heard-response.ts'
import { seeded } from './seeded.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const sized = `${ok}content-length: 5\r\n`
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`
const long = (size: number) => 'a'.repeat(size)
const headCeiling = 32 * 1024
const lineCeiling = 1024

const malformed: Readonly<Record<string, readonly string[]>> = {
  'a status line that is none': [
    'nonsense\r\n\r\n',
    '\r\n\r\n',
    `\r\n${ok}\r\n`,
    ' HTTP/1.1 200 OK\r\n\r\n',
    'http/1.1 200 OK\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 600 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 200OK\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
  ],
  'a line that ends in LF or CR alone': [
    'HTTP/1.1 200 OK\na: b\r\n\r\n',
    'HTTP/1.1 200 OK\ra: b\r\n\r\n',
    `${ok}a: b\ncontent-length: 5\r\n\r\n`,
    `${ok}a: b\rcontent-length: 5\r\n\r\n`,
    `${ok}a: b\n\r\n\r\n`,
    `${ok}\na: b\r\n\r\n`,
    `${chunked}5\nhello\r\n0\r\n\r\n`,
    `${chunked}5;a\nb\r\nhello\r\n0\r\n\r\n`,
    `${chunked}5\rhello\r\n0\r\n\r\n`,
    `${chunked}0\r\na: b\nc: d\r\n\r\n`,
  ],
  'a folded line': [`${ok}a: b\r\n c\r\n\r\n`, `${ok}a: b\r\n\tc: d\r\n\r\n`, `${ok} a: b\r\n\r\n`],
  'a field line without a colon': [`${ok}nonsense\r\n\r\n`, `${ok}nonsense\r\na: b\r\n\r\n`, `${ok}a: b\r\nc\r\n\r\n`],
  'a field name that is none': [
    `${ok}: b\r\n\r\n`,
    `${ok}a : b\r\n\r\n`,
    `${ok}content-length : 5\r\n\r\n`,
    `${ok}a b: c\r\n\r\n`,
    `${ok}(a): b\r\n\r\n`,
    `${ok}\xe9: b\r\n\r\n`,
  ],
  'a control character': [
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 200 O\x7fK\r\n\r\n',
    `${ok}a: b\0c\r\n\r\n`,
    `${ok}a: b\x1bc\r\n\r\n`,
    `${ok}a: b\x7f\r\n\r\n`,
    `${ok}a\0: b\r\n\r\n`,
    `${chunked}0\r\na: \0\r\n\r\n`,
  ],
  'a length beside a transfer coding': [
    `${sized}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`,
  ],
  'a transfer coding that is not chunked, and chunked once': [
    'gzip',
    'identity',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'chunked;a=b',
    'xchunked',
    '"chunked"',
    '\x0bchunked',
    '',
  ].map((coding) => `${ok}transfer-encoding: ${coding}\r\n\r\n0\r\n\r\n`),
  'a transfer coding on two lines': [`${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  'a transfer coding in HTTP/1.0': ['HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  'a length that is none': ['', '-1', '+5', '5.0', '0x5', '5 5', '5;', '5,', ',5', '1e1', '\xb2', '9'.repeat(16)].map(
    (length) => `${ok}content-length: ${length}\r\n\r\nhello`,
  ),
  'lengths that differ, or are said twice': [
    'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok',
    `${sized}content-length: 6\r\n\r\nhello!`,
    `${ok}content-length: 5, 6\r\n\r\nhello!`,
    `${sized}content-length: 05\r\n\r\nhello`,
    `${sized}content-length: \r\n\r\nhello`,
  ],
  'an upgrade that nobody asked for': ['HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n'],
  'a head beyond 32 KiB': [
    long(headCeiling + 8),
    `${ok}a: ${long(headCeiling)}\r\n\r\n`,
    `${ok}${`a: ${long(98)}\r\n`.repeat(330)}\r\n`,
    `HTTP/1.1 103 Early\r\n\r\n${ok}a: ${long(headCeiling)}\r\n\r\n`,
  ],
  'a chunk without size': ['', ' 5', '-5', '+5', '0x5', 'g', '5 5', '5,', ';a', '5\0', long(14), '1'.repeat(14)].map(
    (size) => `${chunked}${size}\r\nhello\r\n0\r\n\r\n`,
  ),
  'a chunk whose first line is too long': [
    `${chunked}5;${long(lineCeiling)}\r\nhello\r\n0\r\n\r\n`,
    `${chunked}5;${long(lineCeiling + 8)}`,
    `${chunked}${'0'.repeat(lineCeiling + 8)}`,
  ],
  'a chunk longer or shorter than its size': [
    `${chunked}5\r\nhello!\r\n0\r\n\r\n`,
    `${chunked}5\r\nhell\r\n0\r\n\r\n`,
    `${chunked}5\r\nhello0\r\n\r\n`,
    `${chunked}5\r\nhello\n\r0\r\n\r\n`,
  ],
  'trailers that are none': [
    `${chunked}0\r\nnonsense\r\n\r\n`,
    `${chunked}0\r\na : b\r\n\r\n`,
    `${chunked}0\r\na: b\r\n c\r\n\r\n`,
    `${chunked}0\r\na: ${long(headCeiling)}\r\n\r\n`,
    `${chunked}0\r\na: ${long(headCeiling + 8)}`,
  ],
}

function cutInto(size: number, length: number): number[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, at) => at * size)
}

suite('what is no response is refused, once and for good, in one piece and in many', () => {
  for (const [name, texts] of Object.entries(malformed)) {
    test(`${name} is refused`, () => {
      for (const text of texts) {
        const octets = Buffer.from(text, 'latin1')
        for (const cuts of [[], cutInto(octets.length > lineCeiling * 2 ? 97 : 1, octets.length)]) {
          const { heard, reader } = hear(octets, cuts)
          const where = `${JSON.stringify(text.slice(0, 100))} in ${cuts.length + 1} pieces: ${heard.said.join()}`
          assert.equal(heard.said.indexOf('malformed'), heard.said.length - 1, where)
          assert.ok(!heard.said.some((line) => line.startsWith('end')), where)
          reader.push(Buffer.from(`${ok}\r\n`))
          assert.equal(reader.close(), false, where)
          assert.equal(heard.said.indexOf('malformed'), heard.said.length - 1, where)
        }
      }
    })
  }
})

test('a head of bare line feeds is taken for none', () => {
  const { heard, reader } = hear(Buffer.from('HTTP/1.1 200 OK\ncontent-length: 2\n\nok'))
  assert.deepEqual(heard.said, [])
  assert.equal(reader.close(), false)
})

test('a head, trailers and a line of a chunk may have all the octets that are allowed, wherever they are cut', () => {
  const room = (before: string, ceiling: number) => long(ceiling - before.length)
  const extension = `5;${room('5;', lineCeiling)}`
  for (const [text, said] of [
    [`${sized}a: ${room(`${sized}a: `, headCeiling)}\r\n\r\nhello`, 'head 200 sized 5 kept,data hello,end'],
    [`${chunked}${extension}\r\nhello\r\n0\r\n\r\n`, 'head 200 chunked kept,data hello,end'],
    [
      `${chunked}0\r\na: ${room('a: ', headCeiling)}\r\n\r\n`,
      `head 200 chunked kept,end a ${room('a: ', headCeiling)}`,
    ],
  ] as const) {
    const octets = Buffer.from(text)
    const ending = text.lastIndexOf('aa\r\n')
    for (const cuts of [[], ...Array.from({ length: 12 }, (_, at) => [ending - 2 + at])]) {
      const { heard } = hear(octets, cuts)
      assert.equal(heard.said.join(), said, `${text.slice(0, 60)}… of ${octets.length} octets, cut at ${cuts.join()}`)
    }
  }
})

/** Nothing longer than a head may be kept back, beside the piece that came last. */
const pieceSize = 500
function heldAtMost({ heard, reader }: Listening, octets: Buffer): void {
  let silent = 0
  for (let at = 0; at < octets.length; at += pieceSize) {
    const before = heard.said.join('').length
    const piece = octets.subarray(at, at + pieceSize)
    if (reader.push(piece) < piece.length || heard.said.at(-1) === 'malformed') return
    silent = heard.said.join('').length > before ? 0 : silent + pieceSize
    assert.ok(silent <= headCeiling + lineCeiling + pieceSize, `${silent} octets are held`)
  }
}

test('octets that never come to an end are not kept beyond the ceiling', () => {
  const endless = long(3 * headCeiling)
  for (const start of ['', ok, `${ok}a: `, chunked, `${chunked}5;`, `${chunked}0\r\n`, `${chunked}0\r\na: `]) {
    const listening = readerOf()
    heldAtMost(listening, Buffer.from(start + endless))
    assert.equal(listening.heard.said.at(-1), 'malformed', JSON.stringify(start))
  }
})

const fragments = [
  ok,
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.0 404 No\r\n',
  'HTTP/1.1 101 Up\r\n',
  'content-length: 5\r\n',
  'transfer-encoding: chunked\r\n',
  'connection: close\r\n',
  'a: b\r\n',
  'a:',
  '\r\n',
  '\r\n\r\n',
  '\r',
  '\n',
  '0\r\n',
  '5\r\nhello\r\n',
  'fffffffffffff\r\n',
  'hello',
  chunked,
  `${sized}\r\n`,
]

test('no octets make the reader throw, or hold more than its ceiling, or speak after its last word', () => {
  const below = seeded(2)
  const anyText = () => String.fromCharCode(...Array.from({ length: below(30) }, () => below(256)))
  const starts = [ok, chunked, `${sized}\r\n`, '']
  const last = new Set<string>()
  for (let run = 0; run < 20_000; run++) {
    const middle = Array.from({ length: below(14) }, () =>
      below(6) === 0 ? anyText() : (fragments[below(fragments.length)] ?? ''),
    )
    const tail = below(200) === 0 ? long(below(3 * headCeiling)) : ''
    const octets = Buffer.from([starts[below(starts.length)], ...middle, tail].join(''), 'latin1')
    const asked = { head: below(5) === 0, upgrade: below(5) === 0 }
    heldAtMost(readerOf(asked), octets)
    const cuts = Array.from({ length: below(5) }, () => below(octets.length + 1)).toSorted((a, b) => a - b)
    const { heard, reader } = hear(octets, cuts, asked)
    reader.close()
    const words = heard.said.map((line) => line.split(' ', 1)[0])
    const over = words.findIndex((word) => word === 'end' || word === 'malformed')
    assert.ok(over < 0 || over === words.length - 1, heard.said.join())
    assert.ok(heard.read <= octets.length)
    const whole = hear(octets, [], asked)
    whole.reader.close()
    assert.deepEqual(heard.said, whole.heard.said, JSON.stringify(octets.toString('latin1')))
    last.add(words.at(-1) ?? 'nothing')
  }
  assert.deepEqual(last, new Set(['data', 'end', 'head', 'malformed', 'nothing']))
})
