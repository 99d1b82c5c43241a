import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { type RequestListener, Responder } from '@postern/exchange'
import {
  closeFrame,
  encodeFrame,
  frameType,
  maxPayload,
  noMeter,
  openFrame,
  type Pipe,
  type ResponseHead,
  silentLog,
  type Trunk,
  writeResponseHead,
} from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import type { Opened, Target } from '../../../test/fuzz/target.ts'
import { ingressSchema, startIngress } from '../src/index.ts'
import { maxProxyBytes, readProxyHeader } from '../src/proxy-header.ts'

/** An ingress whose next trunk is made by `far`, which is given the other end of it. */
async function ingressBefore(far: (pipe: Pipe) => void) {
  let open: Trunk | undefined
  const newTrunk = (): Trunk => {
    const [pipe, other] = pipePair()
    far(other)
    const trunk: Trunk = {
      egress: 'egress',
      pipe,
      services: ['*'],
      path: ['egress'],
      retire() {
        if (open === trunk) open = undefined
      },
    }
    return trunk
  }
  return await startIngress({
    config: ingressSchema.parse({
      listen: [{ url: 'http://127.0.0.1:0' }],
      routes: [{ service: 'api' }, { host: '*.example.com', path: '/v1', service: 'billing' }],
    }),
    trunks: {
      get() {
        open ??= newTrunk()
        return open
      },
    },
    log: silentLog,
    meter: noMeter,
  })
}

/** Turns of the event loop in which an ingress has answered on this host. */
const someTurns = 500

/** What a client hears that sends the octets: all of it, latin1. It stays, or ends its half when it has been answered. */
async function visit(port: number, octets: Uint8Array, answered?: () => boolean): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  // A server that closes before it has read everything resets the connection.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(octets)
  if (answered !== undefined) {
    const waits = () => !socket.closed && (pieces.length === 0 || !answered())
    for (let turns = 0; turns < someTurns && waits(); turns++) await turn()
    socket.end()
  }
  await closed
  return Buffer.concat(pieces).toString('latin1')
}

/** Answers each request with its content. */
function echo(far: Pipe): void {
  const deaf: RequestListener = { body() {}, end() {}, reset() {}, writable() {} }
  new Responder(far, {
    accept(incoming, head) {
      incoming.respond({ status: 200, fields: [], backendUs: 0, end: head.end })
      return {
        ...deaf,
        body(piece) {
          incoming.write(Buffer.from(piece))
          incoming.consumed(piece.byteLength)
        },
        end: (trailers) => incoming.end(trailers),
      }
    },
  })
}

const requests = [
  'GET /v1/invoices?x=1 HTTP/1.1\r\nHost: billing.example.com\r\nVia: 1.1 a\r\nTE: trailers\r\nConnection: te\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  'PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n',
  'GET http://h/absolute HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n',
  'HEAD / HTTP/1.0\r\n\r\n',
].map((text) => Buffer.from(text))

/** An ingress that hears the octets from a client. */
async function openClient(): Promise<Opened> {
  const ingress = await ingressBefore(echo)
  const port = Number(new URL(ingress.urls[0] ?? '').port)
  return {
    seeds: requests,
    async read(octets) {
      const answer = await visit(port, octets, () => ingress.requests === 0)
      assert.match(answer, /^($|HTTP\/1\.1 [1-5]\d\d )/)
      return /^HTTP\/1\.1 [12]/.test(answer)
    },
    close: () => ingress.close(),
  }
}

function response(head: Partial<ResponseHead>, type: 2 | 3 = frameType.RESPONSE): Buffer {
  const writer = openFrame(256)
  writeResponseHead(writer, { status: 200, fields: [], backendUs: 9, end: false, ...head })
  return closeFrame(writer, type, 1)
}

const content = encodeFrame(frameType.BODY, 1, Buffer.from('hello'))
const trailers = Buffer.from('\0\x01\0\x05x-sum\0\x0242', 'latin1')
const ended = encodeFrame(frameType.END, 1, trailers)
const answers = [
  [response({ status: 103, fields: ['link', '</a>; rel=preload, </b>', 'x-a', 'b'] }, frameType.INTERIM)],
  [response({ status: 100 }, frameType.INTERIM), response({ fields: ['content-length', '5'] }), content, ended],
  [response({ fields: ['content-type', 'text/plain'] }), content, ended],
  [response({ status: 204, fields: ['set-cookie', 'a=1', 'Set-Cookie', 'b=2', 'date', 'now'], end: true })],
  [response({ status: 101, fields: ['upgrade', 'websocket'] }), content, ended],
].map((frames) => Buffer.concat(frames))

const asking = ['', 'Upgrade: websocket\r\n'].map((field) =>
  Buffer.from(`GET / HTTP/1.1\r\nHost: h\r\nConnection: ${field === '' ? 'close' : 'upgrade'}\r\n${field}\r\n`),
)

/** An ingress that hears the octets from an egress, while a client waits for its answer. */
async function openTrunk(): Promise<Opened> {
  let answer: Uint8Array = Buffer.alloc(0)
  const ingress = await ingressBefore((far) => {
    let heard = false
    far.read({
      data() {
        if (heard) return
        heard = true
        far.send([answer])
        far.close()
      },
      drain() {},
      end() {},
      close() {},
    })
  })
  const port = Number(new URL(ingress.urls[0] ?? '').port)
  return {
    seeds: answers,
    async read(octets) {
      answer = octets
      const heard = await Promise.all(asking.map((request) => visit(port, request)))
      for (const text of heard) assert.match(text, /^($|HTTP\/1\.1 [1-5]\d\d )/)
      assert.doesNotMatch(heard[0] ?? '', /^HTTP\/1\.1 101 /)
      return heard.some((text) => /^HTTP\/1\.1 [123]/.test(text))
    },
    close: () => ingress.close(),
  }
}

/** The reader of what a proxy says before a connection begins: it asks for no octet that it has not the place for. */
function openProxyHeader(): Opened {
  const file = new URL('./vectors/proxy-headers.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Array<{ octets?: string; text?: string; header: unknown }>
  return {
    seeds: vectors
      .filter(({ header }) => header !== null)
      .map(({ octets, text = '' }) => Buffer.from(octets ?? text, octets === undefined ? 'latin1' : 'hex')),
    read(octets) {
      const read = readProxyHeader(Buffer.from(octets))
      if (read === 'more') assert.ok(octets.byteLength < 16 + maxProxyBytes)
      if (read === undefined || read === 'more') return false
      assert.ok(read.bytes <= octets.byteLength)
      assert.deepEqual(readProxyHeader(Buffer.from(octets.subarray(0, read.bytes))), read)
      assert.equal(readProxyHeader(Buffer.from(octets.subarray(0, read.bytes - 1))), 'more')
      return true
    },
  }
}

export const ingressTargets: readonly Target[] = [
  { name: 'proxy-header', maxBytes: 16 + maxProxyBytes, whole: false, open: openProxyHeader },
  { name: 'ingress-client', maxBytes: maxPayload, whole: false, open: openClient },
  { name: 'ingress-trunk', maxBytes: 2 * maxPayload, whole: false, open: openTrunk },
]
