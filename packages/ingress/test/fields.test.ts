import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FieldLines, fieldValue } from '@postern/protocol'
import { requestFields, responseFields } from '../src/headers.ts'

const arrival = { client: '192.0.2.7', scheme: 'https', authority: 'api.example.com' } as const
/** What backends are told of it. */
const written = [
  'forwarded',
  'for=192.0.2.7;host=api.example.com;proto=https',
  'x-forwarded-proto',
  'https',
  'x-forwarded-for',
  '192.0.2.7',
  'x-forwarded-host',
  'api.example.com',
]

function namesOf(fields: FieldLines): string[] {
  return fields.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
}

test('end-to-end fields go on as they came: order, spelling and repetition', () => {
  const raw = ['X-B', '1', 'Cookie', 'a=1', 'x-b', '2', 'Content-Length', '3', 'Empty', '']
  assert.deepEqual(requestFields(raw, arrival, undefined).slice(0, raw.length), raw)
})

test('where a request comes from is said by the entrance, whatever the client says', () => {
  for (const name of ['Host', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-FORWARDED-PROTO']) {
    const fields = requestFields([name, 'for=10.0.0.1', name, '10.0.0.2'], arrival, undefined)
    assert.deepEqual(fields, ['via', '1.1 postern', ...written], name)
  }
})

test('a client that is not known any more, or has named no host, is said to be so', () => {
  const fields = requestFields([], { client: '', scheme: 'http', authority: '' }, undefined)
  assert.deepEqual(fields, ['via', '1.1 postern', 'forwarded', 'for=unknown;proto=http', 'x-forwarded-proto', 'http'])
})

/** The Forwarded field of a request from that client for that authority. */
function forwarded(client: string, authority: string): string | undefined {
  return fieldValue(requestFields([], { client, scheme: 'http', authority }, undefined), 'forwarded')
}

test('Forwarded quotes what is no token, as RFC 7239 asks', () => {
  assert.equal(forwarded('2001:db8::7', 'h:8080'), 'for="[2001:db8::7]";host="h:8080";proto=http')
  assert.equal(forwarded('192.0.2.7', '[::1]:80'), 'for=192.0.2.7;host="[::1]:80";proto=http')
  assert.equal(forwarded('192.0.2.7', 'a";for=10.0.0.1'), 'for=192.0.2.7;host="a;for=10.0.0.1";proto=http')
})

test('Via grows by this entrance and keeps who was before it', () => {
  assert.equal(fieldValue(requestFields([], arrival, undefined), 'via'), '1.1 postern')
  const through = requestFields(['Via', '1.0 a', 'via', '1.1 b'], arrival, undefined)
  assert.equal(fieldValue(through, 'via'), '1.0 a, 1.1 b, 1.1 postern')
})

test('fields of the connection stay behind, with those that Connection names', () => {
  const connection: ReadonlyArray<readonly [string, string]> = [
    ['Connection', 'keep-alive, X-Secret'],
    ['Keep-Alive', 'timeout=5'],
    ['X-Secret', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['Proxy-Authorization', 'Basic x'],
    ['Proxy-Connection', 'keep-alive'],
    ['Upgrade', 'h2c'],
    ['TE', 'gzip'],
    ['Accept', '*/*'],
  ]
  assert.deepEqual(namesOf(requestFields(connection.flat(), arrival, undefined)), [
    'accept',
    'via',
    ...namesOf(written),
  ])
})

test('a client cannot make the entrance hide where a request comes from', () => {
  const named = ['via', ...namesOf(written)].join(', ')
  const fields = requestFields(['Connection', named, 'connection', 'close, X-Forwarded-For'], arrival, undefined)
  assert.deepEqual(fields, ['via', '1.1 postern', ...written])
})

test('a client that takes trailers is said to take them, and an upgrade is asked for once', () => {
  assert.equal(fieldValue(requestFields(['TE', 'gzip, Trailers'], arrival, undefined), 'te'), 'trailers')
  const upgrade = requestFields(['Connection', 'Upgrade', 'Upgrade', 'websocket'], arrival, 'websocket')
  assert.equal(fieldValue(upgrade, 'upgrade'), 'websocket')
})

test('an answer keeps its fields and gains what was asked for, no more', () => {
  const head = { status: 200, fields: ['Set-Cookie', 'a', 'Set-Cookie', 'b'], backendUs: 1500, end: true }
  assert.deepEqual(responseFields(head, { requestId: undefined, totalMs: undefined }), [
    ...head.fields,
    'via',
    '1.1 postern',
  ])
  const marked = responseFields(head, { requestId: 'id-1', totalMs: 4 })
  assert.equal(fieldValue(marked, 'x-request-id'), 'id-1')
  assert.equal(fieldValue(marked, 'server-timing'), 'backend;dur=1.50, mesh;dur=2.50')
})

test('the mesh never takes less than no time, whatever the clocks say', () => {
  const head = { status: 200, fields: [], backendUs: 5000, end: true }
  const marked = responseFields(head, { requestId: undefined, totalMs: 4 })
  assert.equal(fieldValue(marked, 'server-timing'), 'backend;dur=5.00, mesh;dur=0.00')
})
