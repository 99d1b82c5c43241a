import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, directOf } from '@postern/test-kit'
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

test('a client cannot claim to come from somewhere else', async () => {
  await using backend = await backendOf((request, response) => response.end(JSON.stringify(request.headers)))
  await using direct = await directOf({ backends: [backend.url] })
  const response = await fetch(direct.url, {
    headers: { forwarded: 'for=10.0.0.1', 'x-forwarded-for': '10.0.0.1', 'x-real-ip': '10.0.0.1' },
  })
  const headers = (await response.json()) as Record<string, string>
  assert.match(headers['forwarded'] ?? '', /^for=127\.0\.0\.1;/)
  assert.deepEqual([headers['x-forwarded-for'], headers['x-real-ip']], [undefined, undefined])
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
