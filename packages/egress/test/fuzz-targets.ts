import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { Initiator, type ResponseListener } from '@postern/exchange'
import {
  encodeFrame,
  FrameReader,
  frameType,
  maxPayload,
  OctetWriter,
  PosternError,
  type RequestHead,
  readRequestHead,
  silentLog,
  systemClock,
  writeRequestHead,
} from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import { type Opened, smallCuts, type Target } from '../../../test/fuzz/target.ts'
import { backendHead } from '../src/backend/request-head.ts'
import { createEgress, type Egress, egressSchema } from '../src/index.ts'
import { listening, type StandIn, treating } from './backends.ts'
import { requestHead } from './heads.ts'
import { hear } from './heard-response.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

const responses = [
  'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx-sum: 42\r\n\r\n',
  'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nConnection: x-a, close\r\nx-a: b\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
    'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi',
].map(latin1)

const asks = [
  { head: false, upgrade: false },
  { head: true, upgrade: false },
  { head: false, upgrade: true },
] as const

const responseReader: Target = {
  name: 'backend-response',
  maxBytes: 48 * 1024,
  whole: false,
  open: () => ({
    seeds: responses,
    read(octets) {
      const all = Buffer.from(octets)
      let good = false
      for (const asked of asks) {
        const { said } = hear(all, [], asked).heard
        assert.deepEqual(hear(all, smallCuts(all), asked).heard.said, said)
        good ||= said.length > 0 && !said.includes('malformed')
      }
      return good
    },
  }),
}

const requests: readonly RequestHead[] = [
  requestHead({ fields: ['accept', '*/*', 'te', 'trailers', 'expect', '100-continue'] }),
  requestHead({ method: 'POST', fields: ['content-length', '5'], end: false }),
  requestHead({ method: 'PUT', end: false }),
  requestHead({
    // The handshake of RFC 6455 section 1.3.
    fields: ['upgrade', 'websocket', 'sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version', '13'],
    upgrade: true,
    end: false,
  }),
]

function payloadOf(head: RequestHead): Buffer {
  const writer = new OctetWriter()
  writeRequestHead(writer, head)
  return writer.finish()
}

const backendRequest: Target = {
  name: 'backend-request',
  maxBytes: maxPayload,
  whole: false,
  open: () => ({
    seeds: requests.map(payloadOf),
    read(octets) {
      const head = readRequestHead(octets)
      if (head === undefined) return false
      try {
        const { framing, text } = backendHead(head)
        assert.match(text, /^[^\r\n\0]+ HTTP\/1\.1\r\n([^\r\n\0:]+:[^\r\n\0]*\r\n)+\r\n$/)
        const framed = text.match(/^(transfer-encoding|content-length):/gim)?.length ?? 0
        assert.ok(framed === 1 || (framed === 0 && framing === 'none'), text)
        return true
      } catch (error) {
        if (error instanceof PosternError && error.code === 'MALFORMED_REQUEST') return false
        throw error
      }
    },
  }),
}

interface Staged extends AsyncDisposable {
  readonly egress: Egress
  /** Trunks that were ended because they spoke no protocol. */
  readonly violations: () => number
}

function egressBefore({ origin }: StandIn): Staged {
  let violations = 0
  const egress = createEgress({
    config: egressSchema.parse({
      services: { api: { backends: [origin.origin], expose: [{ methods: ['*'], path: '/**' }] } },
    }),
    clock: systemClock,
    log: silentLog,
    meter: {
      count(name) {
        if (name === 'trunk_violations') violations += 1
      },
    },
  })
  return { egress, violations: () => violations, [Symbol.asyncDispose]: () => egress.close() }
}

const caller = { peer: 'ingress', name: 'ingress', services: ['*'] }
/** Turns of the event loop in which a backend on this host has answered. */
const someTurns = 30

/** A whole egress that hears the octets from an ingress. */
async function openTrunk(): Promise<Opened> {
  const server = createServer((request, response) => request.pipe(response))
  const backend = await listening(server)
  const staged = egressBefore(backend)
  const request = (id: number, head: RequestHead) => encodeFrame(frameType.REQUEST, id, payloadOf(head))
  const ended = (id: number) => encodeFrame(frameType.END, id, Buffer.alloc(0))
  const content = encodeFrame(frameType.BODY, 1, Buffer.from('hello'))
  return {
    seeds: [
      ...requests.map((head) => Buffer.concat([request(1, head), ...(head.end ? [] : [content, ended(1)])])),
      Buffer.concat([request(1, requests[0] ?? requestHead()), request(2, requestHead({ service: 'other' }))]),
    ],
    async read(octets) {
      const before = staged.violations()
      const [near, far] = pipePair()
      const over = Promise.withResolvers<void>()
      const said = new FrameReader({ frame() {}, body() {}, violation: (detail) => over.reject(new Error(detail)) })
      near.read({ data: (chunk) => said.push(chunk), drain() {}, end() {}, close: () => over.resolve() })
      staged.egress.accept(far, caller)
      near.send([octets])
      await turn()
      for (let turns = 0; turns < someTurns && staged.egress.exchanges > 0; turns++) await turn()
      near.close()
      await over.promise
      assert.equal(staged.egress.exchanges, 0)
      return staged.violations() === before
    },
    async close() {
      await staged[Symbol.asyncDispose]()
      server.closeAllConnections()
      await backend[Symbol.asyncDispose]()
    },
  }
}

/** A whole egress that hears the octets from a backend, which then closes the connection. */
async function openBackend(): Promise<Opened> {
  let answer: Uint8Array = Buffer.alloc(0)
  const backend = await treating((socket) => socket.once('data', () => socket.end(answer)))
  const staged = egressBefore(backend)
  const [near, far] = pipePair()
  staged.egress.accept(far, caller)
  const initiator = new Initiator(near)
  return {
    seeds: responses,
    async read(octets) {
      answer = octets
      const heads = [requestHead(), requestHead({ method: 'HEAD' }), requests[3] ?? requestHead()]
      const answered = await Promise.all(heads.map((head) => ask(initiator, head)))
      return answered.some((each) => each)
    },
    async close() {
      initiator.close()
      await staged[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
    },
  }
}

/** Sends a request and takes all of its answer; answers whether that was whole. */
function ask(initiator: Initiator, head: RequestHead): Promise<boolean> {
  return new Promise((resolve) => {
    const listener: ResponseListener = {
      interim() {},
      response(response) {
        if (head.upgrade && response.status !== 101) exchange.end()
        if (response.end) resolve(true)
      },
      body: (piece) => exchange.consumed(piece.byteLength),
      end() {
        exchange.end()
        resolve(true)
      },
      reset: () => resolve(false),
      writable() {},
    }
    const exchange = initiator.open(head, listener)
  })
}

export const egressTargets: readonly Target[] = [
  responseReader,
  backendRequest,
  { name: 'egress-trunk', maxBytes: 2 * maxPayload, whole: false, open: openTrunk },
  { name: 'egress-backend', maxBytes: 48 * 1024, whole: false, open: openBackend },
]
