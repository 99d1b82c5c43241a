import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { WebSocket, WebSocketServer } from 'ws'
import { rawClient, rawExchange } from './raw.ts'

/** Exposes everything, to be switched to `echo` alone. */
const echoing = [{ methods: ['*'], path: '/**', upgrades: ['echo'] }]

async function socketBackend() {
  const backend = await backendOf((_request, response) => response.writeHead(426).end('upgrade first'))
  const sockets = new WebSocketServer({ server: backend.server })
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  return { backend, sockets }
}

test('a WebSocket conversation, with messages of every size both ways and a clean close', async () => {
  const { backend } = await socketBackend()
  await using _backend = backend
  await using direct = await directOf({ backends: [backend.url] })
  const socket = new WebSocket(direct.url.replace('http', 'ws'))
  await once(socket, 'open')
  for (const length of [0, 1, 125, 126, 70_000, 2_000_000]) {
    const message = Buffer.alloc(length, length % 251)
    const heard = once(socket, 'message')
    socket.send(message)
    const [echo] = (await heard) as [Buffer]
    assert.ok(echo.equals(message), `${length} octets`)
  }
  socket.close(1000, 'done')
  const [code] = (await once(socket, 'close')) as [number]
  assert.equal(code, 1000)
  await eventually('nothing is left of the exchange', () => direct.exchanges === 0)
})

test('octets sent right behind the request for an upgrade are not lost', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  backend.server.on('upgrade', (_request, socket, head: Buffer) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
    if (head.length > 0) socket.write(head)
    socket.pipe(socket)
  })
  await using direct = await directOf({ backends: [backend.url], expose: echoing })
  using client = await rawClient(direct.url)
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly')
  await client.until(/^HTTP\/1\.1 101 .*upgrade: echo.*\r\n\r\nearly$/is)
  client.socket.end('late')
  assert.match(await client.closed(), /earlylate$/)
})

test('a backend that does not upgrade answers as it likes', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  backend.server.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
  )
  await using direct = await directOf({ backends: [backend.url], expose: echoing })
  using client = await rawClient(direct.url)
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  assert.match(await client.closed(), /^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\nno$/s)
  await eventually('nothing is left of the exchange', () => direct.exchanges === 0)
})

test('either end of a tunnel that goes away takes the other one with it', async () => {
  const { backend, sockets } = await socketBackend()
  await using _backend = backend
  await using direct = await directOf({ backends: [backend.url] })
  const open = async () => {
    const socket = new WebSocket(direct.url.replace('http', 'ws'))
    socket.on('error', () => {})
    await once(socket, 'open')
    return socket
  }
  const first = await open()
  first.terminate()
  await eventually('the backend has noticed', () => sockets.clients.size === 0)
  const second = await open()
  const closed = once(second, 'close')
  for (const client of sockets.clients) client.terminate()
  await closed
  await eventually('nothing is left of the exchanges', () => direct.exchanges === 0)
})

test('an upgrade that no route takes, or that is not exposed, is refused', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  await using direct = await directOf({ backends: [backend.url], expose: [{ methods: ['GET'], path: '/open' }] })
  using client = await rawClient(direct.url)
  client.send('GET /closed HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  assert.match(await client.closed(), /^HTTP\/1\.1 404 .*NOT_EXPOSED/s)
  assert.equal(backend.requests, 0)
})

const webSocket = {
  Connection: 'upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
}

function asking(fields: Readonly<Record<string, string>>, line = 'GET / HTTP/1.1'): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line}\r\nHost: h\r\n${lines.join('')}\r\n`
}

test('neither h2c nor TLS is switched to: the request is answered as if it had not asked', async () => {
  await using backend = await backendOf((request, response) =>
    response.end(String('upgrade' in request.headers || 'http2-settings' in request.headers)),
  )
  await using direct = await directOf({ backends: [backend.url] })
  for (const protocol of ['h2c', 'H2C', 'h2c/2', 'h2c, h2c', 'TLS/1.2', 'h2c, TLS/1.2']) {
    using client = await rawClient(direct.url)
    const fields = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: protocol, 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
    client.send(asking(fields))
    await client.until(/^HTTP\/1\.1 200 .*\r\n\r\nfalse$/s)
  }
})

test('a WebSocket handshake that is none, or a protocol that no rule names, does not reach the backend', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  let upgrades = 0
  backend.server.on('upgrade', (_request, socket) => {
    upgrades += 1
    socket.destroy()
  })
  await using direct = await directOf({ backends: [backend.url] })
  for (const [text, code] of [
    [asking({ ...webSocket, Upgrade: 'echo' }), 'UPGRADE_REFUSED'],
    [asking({ ...webSocket, Upgrade: 'tcp, websocket' }), 'UPGRADE_REFUSED'],
    [asking(webSocket, 'POST / HTTP/1.1'), 'MALFORMED_REQUEST'],
    [asking({ ...webSocket, 'Sec-WebSocket-Key': 'short' }), 'MALFORMED_REQUEST'],
    [asking({ ...webSocket, 'Sec-WebSocket-Version': '' }), 'MALFORMED_REQUEST'],
    [asking({ Connection: 'upgrade', Upgrade: 'websocket' }), 'MALFORMED_REQUEST'],
  ] as const)
    assert.ok((await rawExchange(direct.url, text)).includes(code), text)
  assert.equal(upgrades, 0)
})

test('a backend that switches to something else than was asked for is not let through', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  const answers = [
    'Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n',
    'Upgrade: websocket\r\n',
    'Upgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n',
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n',
  ]
  const left = [...answers]
  backend.server.on('upgrade', (_request, socket) => {
    socket.on('end', () => socket.end()).resume()
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n${left.shift()}\r\n`)
  })
  await using direct = await directOf({ backends: [backend.url] })
  for (const answer of answers)
    assert.match(await rawExchange(direct.url, asking(webSocket)), /^HTTP\/1\.1 502 .*BACKEND_INVALID/s, answer)
  await eventually('nothing is left of the exchanges', () => direct.exchanges === 0)
})
