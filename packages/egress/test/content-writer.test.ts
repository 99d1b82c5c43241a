import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { ContentWriter } from '../src/backend/content-writer.ts'
import type { ContentFraming } from '../src/backend/request-head.ts'

function writing(framing: ContentFraming) {
  const stream = new PassThrough()
  const writer = new ContentWriter(stream, framing)
  const written = () => {
    const pieces: Buffer[] = []
    for (let piece = stream.read() as Buffer | null; piece !== null; piece = stream.read() as Buffer | null)
      pieces.push(piece)
    return Buffer.concat(pieces).toString('latin1')
  }
  return { writer, written }
}

test('content of a length goes as it is, up to that length and no octet further', () => {
  const { writer, written } = writing(5)
  assert.ok(writer.takes(Buffer.from('hello')))
  assert.ok(!writer.takes(Buffer.from('hello!')))
  writer.write(Buffer.from('hel'))
  assert.ok(!writer.takes(Buffer.from('lo!')))
  assert.ok(writer.takes(Buffer.from('lo')))
  writer.write(Buffer.from('lo'))
  assert.ok(!writer.ended)
  assert.ok(writer.end(['x-sum', '42']))
  assert.deepEqual([writer.ended, written()], [true, 'hello'])
  assert.ok(!writer.takes(Buffer.from('h')))
})

test('an end before the announced length is told', () => {
  const { writer } = writing(5)
  writer.write(Buffer.from('hell'))
  assert.ok(!writer.end([]))
})

test('content without a length goes in chunks, and trailer fields behind them', () => {
  const { writer, written } = writing('chunked')
  for (const piece of ['hello', 'x'.repeat(26)]) {
    assert.ok(writer.takes(Buffer.from(piece)))
    writer.write(Buffer.from(piece))
  }
  assert.ok(writer.end(['x-sum', '42', 'x-name', 'Zo\xeb']))
  assert.equal(written(), `5\r\nhello\r\n1a\r\n${'x'.repeat(26)}\r\n0\r\nx-sum: 42\r\nx-name: Zo\xeb\r\n\r\n`)
  assert.ok(!writer.takes(Buffer.from('more')))
  assert.ok(writer.end([]))
  assert.equal(written(), '')
})

test('no trailer field speaks of the framing, and no piece without octets ends the content', () => {
  const { writer, written } = writing('chunked')
  assert.ok(writer.write(Buffer.alloc(0)))
  assert.ok(writer.end(['Content-Length', '7', 'transfer-encoding', 'chunked', 'x-sum', '42', 'host', 'h']))
  assert.equal(written(), '0\r\nx-sum: 42\r\n\r\n')
})

test('a request without content takes none, and has ended before it began', () => {
  const { writer, written } = writing('none')
  assert.ok(writer.ended)
  assert.ok(!writer.takes(Buffer.from('x')))
  assert.ok(writer.end(['x-sum', '42']))
  assert.equal(written(), '')
})

test('a writer asks to wait once the connection holds enough, in chunks and without', () => {
  for (const framing of ['chunked', 1_000_000] as const) {
    const { writer } = writing(framing)
    assert.ok(writer.write(Buffer.alloc(10)))
    assert.ok(!writer.write(Buffer.alloc(500_000)))
  }
})
