import assert from 'node:assert/strict'
import { piecesOf, smallCuts, type Target } from '../../../test/fuzz/target.ts'
import {
  circuitAnswers,
  decodeBulletinOffer,
  decodeCircuitAnswer,
  decodeGuardAnswer,
  decodeGuardRequest,
  decodeHello,
  decodeHelloAnswer,
  decodeKnock,
  decodeLayer,
  decodeLookupAnswer,
  decodeLookupRequest,
  decodeSealedRecords,
  decodeSignedRecord,
  encodeBulletinOffer,
  encodeCircuitAnswer,
  encodeFrame,
  encodeHello,
  encodeHelloAnswer,
  encodeKnock,
  encodeLayer,
  encodeMessage,
  encodeSealedRecords,
  type FieldLines,
  FrameReader,
  type FrameType,
  frameType,
  knockHeadSize,
  layerSize,
  lookupAnswerSize,
  maxDirectoryMessage,
  maxHelloSize,
  maxOfferSize,
  maxPayload,
  OctetWriter,
  type RequestHead,
  readRequestHead,
  readResponseHead,
  readTrailers,
  sealedRecordSize,
  writeFields,
  writeRequestHead,
  writeResponseHead,
} from '../src/index.ts'

interface Codec<M> {
  readonly decode: (octets: Uint8Array) => M | undefined
  readonly encode: (message: M) => Uint8Array
}

/** Messages of one kind: what was read off octets is the same when it is written and read again. */
function message<M>(name: string, maxBytes: number, examples: readonly M[], { decode, encode }: Codec<M>): Target {
  return {
    name,
    maxBytes,
    whole: true,
    open: () => ({
      seeds: examples.map(encode),
      read(octets) {
        const read = decode(octets)
        if (read === undefined) return false
        const again = encode(read)
        // What is no UTF-8 is read as U+FFFD, which may be longer.
        if (again.byteLength <= maxBytes) assert.deepEqual(decode(again), read)
        return true
      },
    }),
  }
}

/** The payload of a frame of this type; undefined where the frame is refused. */
function payloadOf(type: FrameType, octets: Uint8Array): Buffer | undefined {
  let read: Buffer | undefined
  const reader = new FrameReader({
    frame(_type, _exchange, whole) {
      read = whole
    },
    body() {},
    violation() {},
  })
  reader.push(encodeFrame(type, 1, octets))
  return read
}

/** What travels as the payload of one frame. Names of fields are told apart without their case. */
function payload<H extends { readonly fields: FieldLines }>(
  type: FrameType,
  read: (octets: Uint8Array) => H | undefined,
  write: (writer: OctetWriter, head: H) => void,
): Codec<H> {
  return {
    decode(octets) {
      const whole = payloadOf(type, octets)
      const head = whole === undefined ? undefined : read(whole)
      if (head === undefined) return undefined
      return { ...head, fields: head.fields.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text)) }
    },
    encode(head) {
      const writer = new OctetWriter()
      write(writer, head)
      return writer.finish()
    },
  }
}

const service = 'ab'.repeat(32)
const sealed = Buffer.alloc(sealedRecordSize, 7)
const relays = [
  { peer: '12D3KooWRelay', addresses: ['/ip4/192.0.2.1/tcp/4001', '/dns4/relay.example.net/tcp/4001'] },
  { peer: '12D3KooWOther', addresses: [] },
]
const fields = ['Accept', '*/*', 'X-Twice', 'a', 'x-twice', 'b', 'cookie', 'caf\u00e9', 'content-length', '0']
const context = {
  requestId: 'r-1',
  client: '192.0.2.7',
  trace: '00-1-2-01',
  subject: 's',
  authentication: 'a',
  scopes: 'b',
  budgetMs: 60_000,
}
const request: RequestHead = {
  service: 'billing',
  method: 'POST',
  scheme: 'https',
  authority: 'billing.example.com:8443',
  target: '/v1/invoices?x=1',
  fields,
  context,
  upgrade: false,
  end: false,
}
const nonce = Buffer.alloc(16, 3)
const key = Buffer.alloc(32, 4)
const next = Buffer.alloc(38, 5)

const frames: Target = {
  name: 'frames',
  maxBytes: 2 * maxPayload,
  whole: false,
  open: () => ({
    seeds: [
      Buffer.concat([
        encodeFrame(frameType.REQUEST, 1, Buffer.from('head')),
        encodeFrame(frameType.BODY, 1, Buffer.from('content')),
        encodeFrame(frameType.CREDIT, 1, Buffer.of(0, 0, 1, 0)),
        encodeFrame(frameType.END, 1, Buffer.alloc(0)),
      ]),
      Buffer.concat([
        encodeFrame(frameType.PING, 0, Buffer.alloc(8, 1)),
        encodeFrame(frameType.RESET, 7, Buffer.of(0, 32)),
        encodeFrame(frameType.GOAWAY, 0, Buffer.of(0, 0, 0, 9)),
      ]),
      encodeFrame(frameType.RESPONSE, 0xffff_ffff, Buffer.alloc(maxPayload, 'x')),
    ],
    read(octets) {
      const said = framesOf([octets])
      assert.deepEqual(framesOf(piecesOf(octets, smallCuts(octets))), said)
      const violation = said.findIndex((line) => line.startsWith('violation'))
      assert.ok(violation < 0 || violation === said.length - 1, 'nothing follows a violation')
      return violation < 0
    },
  }),
}

/** What is read off a stream that arrives in pieces; content of one frame after another is joined. */
function framesOf(pieces: readonly Uint8Array[]): string[] {
  const said: string[] = []
  const reader = new FrameReader({
    frame: (type, exchange, whole) => said.push(`frame ${type} ${exchange} ${whole.toString('hex')}`),
    body(exchange, piece) {
      const more = Buffer.from(piece).toString('hex')
      if (said.at(-1)?.startsWith(`body ${exchange} `) === true) said[said.length - 1] += more
      else said.push(`body ${exchange} ${more}`)
    },
    violation: (detail) => said.push(`violation ${detail}`),
  })
  for (const piece of pieces) reader.push(piece)
  return said
}

export const protocolTargets: readonly Target[] = [
  message('knock', knockHeadSize, [{ nonce, timeMs: 1_700_000_000_123, untilMs: 0, padding: 9, proof: key }], {
    decode: decodeKnock,
    encode: encodeKnock,
  }),
  message(
    'hello',
    maxHelloSize,
    ['a.b.c~', 'ab.cd.ef~gh~'].map((credential, at) => ({
      bulletin: 3,
      opening: Buffer.alloc(32 * at, 7),
      credential,
    })),
    { decode: decodeHello, encode: encodeHello },
  ),
  message(
    'hello-answer',
    maxHelloSize,
    [
      { accepted: true, disclosure: '' },
      { accepted: true, disclosure: 'gh' },
      { accepted: false, disclosure: '' },
    ],
    { decode: decodeHelloAnswer, encode: encodeHelloAnswer },
  ),
  message(
    'bulletin-offer',
    maxOfferSize,
    ['', 'ab.cd.ef'].map((heartbeat) => ({ sequence: 7, heartbeat })),
    { decode: decodeBulletinOffer, encode: encodeBulletinOffer },
  ),
  message(
    'guard-request',
    maxDirectoryMessage,
    [
      { type: 'register', service, record: sealed.toString('base64url') } as const,
      { type: 'withdraw', service } as const,
    ],
    { decode: decodeGuardRequest, encode: encodeMessage },
  ),
  message('guard-answer', maxDirectoryMessage, [{ ok: true }, { ok: false, code: 'BUSY' }], {
    decode: decodeGuardAnswer,
    encode: encodeMessage,
  }),
  message('lookup-request', maxDirectoryMessage, [{ type: 'relays' }] as const, {
    decode: decodeLookupRequest,
    encode: encodeMessage,
  }),
  message('lookup-answer', maxDirectoryMessage, [{ relays }], { decode: decodeLookupAnswer, encode: encodeMessage }),
  message('signed-record', maxDirectoryMessage, [{ record: 'a.b.c', credential: 'd.e.f~' }], {
    decode: decodeSignedRecord,
    encode: encodeMessage,
  }),
  message('sealed-records', lookupAnswerSize, [[], [sealed], [sealed, sealed]], {
    decode: decodeSealedRecords,
    encode: encodeSealedRecords,
  }),
  message(
    'route-layer',
    layerSize,
    [
      { kind: 'forward', key, next, dial: true } as const,
      { kind: 'forward', key, next, dial: false } as const,
      { kind: 'end', purpose: 'trunk', subject: Buffer.alloc(0) } as const,
      { kind: 'end', purpose: 'lookup', subject: key } as const,
      { kind: 'end', purpose: 'guards', subject: key } as const,
    ].map((instruction) => ({ expiresMs: 1_700_000_000_000, nonce, instruction })),
    { decode: decodeLayer, encode: encodeLayer },
  ),
  message('circuit-answer', 1, circuitAnswers, {
    decode: (octets) => (octets.byteLength === 1 ? decodeCircuitAnswer(octets[0]) : undefined),
    encode: encodeCircuitAnswer,
  }),
  message(
    'request-head',
    maxPayload,
    [request, { ...request, method: 'OPTIONS', target: '*', fields: [], end: true }],
    payload(frameType.REQUEST, readRequestHead, writeRequestHead),
  ),
  message(
    'response-head',
    maxPayload,
    [
      { status: 200, backendUs: 1500, fields, end: false },
      { status: 103, backendUs: 0, fields: ['link', '</a>; rel=preload'], end: false },
    ],
    payload(frameType.RESPONSE, readResponseHead, writeResponseHead),
  ),
  message(
    'trailers',
    maxPayload,
    [{ fields: ['x-sum', '42'] }],
    payload(
      frameType.END,
      (octets) => {
        const lines = readTrailers(octets)
        return lines === undefined ? undefined : { fields: lines }
      },
      (writer, { fields: lines }) => writeFields(writer, lines),
    ),
  ),
  frames,
]
