import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { type RequestListener, Responder } from '@postern/exchange'
import { type FieldLines, noMeter, type RequestHead, silentLog, type Trunk } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import { ingressSchema, startIngress } from '../src/index.ts'

const deaf: RequestListener = { body() {}, end() {}, reset() {}, writable() {} }

interface Said {
  readonly status?: number
  readonly fields: FieldLines
  readonly pieces: readonly string[]
}

/** What a client hears over one connection that asks twice of an egress that answers like this. */
async function heard(method: string, { fields, pieces, status = 200 }: Said): Promise<string> {
  const [near, far] = pipePair()
  new Responder(far, {
    accept(incoming, _head: RequestHead) {
      incoming.respond({ status, fields, backendUs: 0, end: pieces.length === 0 })
      for (const piece of pieces) incoming.write(Buffer.from(piece))
      if (pieces.length > 0) incoming.end([])
      return deaf
    },
  })
  const trunk: Trunk = { egress: 'egress', pipe: near, services: ['*'], path: ['egress'], retire() {} }
  const ingress = await startIngress({
    config: ingressSchema.parse({ listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] }),
    trunks: { get: () => trunk },
    log: silentLog,
    meter: noMeter,
  })
  const socket = connect({ port: Number(new URL(ingress.urls[0] ?? '').port), host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
  })
  socket.on('error', () => {})
  socket.write(`${method} /1 HTTP/1.1\r\nHost: h\r\n\r\n${method} /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  await ingress.close()
  return text
}

const answers = (text: string) => text.split('HTTP/1.1 ').slice(1)

test('content as long as it was announced is passed on, in pieces of any size', async () => {
  for (const pieces of [['hello'], ['he', 'll', 'o']]) {
    const text = await heard('GET', { fields: ['content-length', '5'], pieces })
    assert.equal(answers(text).filter((answer) => answer.endsWith('\r\n\r\nhello')).length, 2)
  }
})

test('an answer to HEAD, and one that is not modified, may announce what it does not send', async () => {
  assert.equal(answers(await heard('HEAD', { fields: ['content-length', '5'], pieces: [] })).length, 2)
  assert.equal(answers(await heard('GET', { status: 304, fields: ['content-length', '5'], pieces: [] })).length, 2)
})

test('content that is longer or shorter than announced ends the connection, and never speaks for the next answer', async () => {
  for (const pieces of [['hello', 'HTTP/1.1 200 OK\r\n\r\n'], ['helloHTTP/1.1 200 OK\r\n\r\n'], ['hell']]) {
    const text = await heard('GET', { fields: ['content-length', '5'], pieces })
    assert.ok(!text.includes('HTTP/1.1 200 OK\r\n\r\n'), text)
    assert.ok(answers(text).length <= 1, text)
  }
})

test('a length that can be read in two ways, or is announced of nothing, is no answer', async () => {
  for (const said of [
    { fields: ['content-length', '5', 'content-length', '6'], pieces: ['hello'] },
    { fields: ['content-length', '5, 5'], pieces: ['hello'] },
    { fields: ['content-length', '+5'], pieces: ['hello'] },
    { fields: ['content-length', '5'], pieces: [] },
  ])
    assert.match(await heard('GET', said), /^HTTP\/1\.1 502 /)
})
