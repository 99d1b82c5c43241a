import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { WebSocket, WebSocketServer } from 'ws'
import { rawClient } from './raw.ts'

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
  await using direct = await directOf({ backends: [backend.url] })
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
  await using direct = await directOf({ backends: [backend.url] })
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
  await eventually('the backend has noticed', () => sockets.clients.size === 0, 1000)
  const second = await open()
  const closed = once(second, 'close')
  for (const client of sockets.clients) client.terminate()
  await closed
  await eventually('nothing is left of the exchanges', () => direct.exchanges === 0, 1000)
})

test('an upgrade that no route takes, or that is not exposed, is refused', async () => {
  await using backend = await backendOf((_request, response) => response.end())
  await using direct = await directOf({ backends: [backend.url], expose: [{ methods: ['GET'], path: '/open' }] })
  using client = await rawClient(direct.url)
  client.send('GET /closed HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  assert.match(await client.closed(), /^HTTP\/1\.1 404 .*NOT_EXPOSED/s)
  assert.equal(backend.requests, 0)
})
