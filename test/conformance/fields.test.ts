import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, type DirectOrder, directOf } from '@postern/test-kit'
import { rawExchange } from './raw.ts'

test('fields of the connection stay on it, and everything else arrives as it was sent', async () => {
  await using backend = await backendOf((request, response) => response.end(JSON.stringify(request.rawHeaders)))
  await using direct = await directOf({ backends: [backend.url] })
  const answer = await rawExchange(
    direct.url,
    'GET /a%20b?q=1 HTTP/1.1\r\nHost: api.example.com\r\nConnection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: 9\r\nTE: trailers, deflate\r\n' +
      'Proxy-Authorization: secret\r\nX-Twice: a\r\nX-Twice: b\r\nX-Octets: caf\xe9\r\n\r\n',
  )
  const sent = JSON.parse(answer.slice(answer.indexOf('['), answer.lastIndexOf(']') + 1)) as string[]
  const values = (name: string) => sent.filter((_, at) => at % 2 === 1 && sent[at - 1]?.toLowerCase() === name)
  assert.deepEqual(values('host'), ['api.example.com'])
  assert.deepEqual(values('x-twice'), ['a', 'b'])
  assert.deepEqual(values('via'), ['1.1 postern'])
  assert.deepEqual(values('te'), ['trailers'])
  assert.deepEqual(values('forwarded'), ['for=127.0.0.1;host=api.example.com;proto=http'])
  for (const name of ['x-private', 'keep-alive', 'proxy-authorization']) assert.deepEqual(values(name), [], name)
})

/** The fields that a backend gets of a request with these. */
async function arriving(order: Omit<DirectOrder, 'backends'>, ...lines: readonly string[]): Promise<string[]> {
  await using backend = await backendOf((request, response) => response.end(JSON.stringify(request.rawHeaders)))
  await using direct = await directOf({ ...order, backends: [backend.url] })
  const fields = lines.map((line) => `${line}\r\n`).join('')
  const answer = await rawExchange(direct.url, `GET / HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n${fields}\r\n`)
  const sent = JSON.parse(answer.slice(answer.indexOf('['), answer.lastIndexOf(']') + 1)) as string[]
  return sent.flatMap((value, at) => (at % 2 === 1 ? [`${sent[at - 1]?.toLowerCase()}: ${value}`] : []))
}

/** What stands in the fields of a request without any of its own. */
const ours = [
  'host: h:1',
  'via: 1.1 postern',
  'forwarded: for=127.0.0.1;host="h:1";proto=http',
  'x-forwarded-proto: http',
  'x-forwarded-for: 127.0.0.1',
  'x-forwarded-host: h:1',
  'connection: keep-alive',
]
const withoutConnection = (fields: readonly string[]) => fields.filter((field) => !field.startsWith('connection:'))

test('a client cannot claim to come from somewhere else', async () => {
  const claims = [
    'Forwarded: for=10.0.0.1',
    'X-Forwarded-For: 10.0.0.1',
    'X-Real-IP: 10.0.0.1',
    'X_Forwarded_For: 10.0.0.1',
  ]
  const removals = [
    'Connection: forwarded, x-forwarded-for',
    'Connection: X-Forwarded-Proto',
    'connection: x-forwarded-host, via',
  ]
  const fields = await arriving({}, ...claims, ...claims, ...removals)
  assert.deepEqual(withoutConnection(fields), withoutConnection(ours))
})

test('a field that speaks of origin, path, method or caller reaches a backend only where a rule lets it', async () => {
  const names = [
    'X-HTTP-Method-Override',
    'X-Original-URL',
    'X-Rewrite-URL',
    'True-Client-IP',
    'X-Forwarded-Prefix',
    'user_id',
    'Proxy',
  ]
  const lines = names.map((name) => `${name}: v`)
  assert.deepEqual(withoutConnection(await arriving({}, ...lines)), withoutConnection(ours))
  const expose = [
    { methods: ['POST'], path: '/**', fields: ['proxy'] },
    { methods: ['GET'], path: '/**', fields: ['x-original-url', 'user_id', 'x-forwarded-prefix'] },
  ]
  const fields = withoutConnection(await arriving({ expose }, ...lines))
  const more = fields.filter((field) => !ours.includes(field))
  assert.deepEqual(more, ['x-original-url: v', 'x-forwarded-prefix: v', 'user_id: v'])
})

test('an answer keeps its fields, in order and twice where they were, but those of the connection', async () => {
  await using backend = await backendOf((_request, response) => {
    response.writeHead(200, 'Fine', [
      'Set-Cookie',
      'a=1',
      'X-One',
      '1',
      'Set-Cookie',
      'b=2',
      'Connection',
      'X-Mine',
      'X-Mine',
      '1',
      'Content-Length',
      '2',
    ])
    response.end('ok')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const answer = await rawExchange(direct.url, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  const head = answer.slice(0, answer.indexOf('\r\n\r\n'))
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.match(head, /set-cookie: a=1\r\nX-One: 1\r\nset-cookie: b=2/i)
  assert.match(head, /via: 1\.1 postern/i)
  assert.match(head, /x-request-id: [0-9a-f-]{36}/)
  assert.doesNotMatch(head, /X-Mine/i)
})

test('an answer names its request only where the config says so', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using direct = await directOf({ backends: [backend.url], ingress: { requestId: false, serverTiming: true } })
  const response = await fetch(direct.url)
  assert.equal(response.headers.get('x-request-id'), null)
  assert.match(response.headers.get('server-timing') ?? '', /^backend;dur=[\d.]+, mesh;dur=[\d.]+$/)
})

test('a request in absolute form goes where its target says', async () => {
  await using backend = await backendOf((request, response) => response.end(`${request.headers.host} ${request.url}`))
  await using direct = await directOf({ backends: [backend.url] })
  const answer = await rawExchange(
    direct.url,
    'GET http://inner.example/x?y HTTP/1.1\r\nHost: outer.example\r\nConnection: close\r\n\r\n',
  )
  assert.match(answer, /\r\n\r\n.*inner\.example \/x\?y/s)
})
