import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { rawExchange } from './raw.ts'

interface Problem {
  readonly status: number
  readonly title: string
  readonly code: string
  readonly requestId: string
}

async function problemOf(response: Response): Promise<Problem> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  const text = await response.text()
  assert.doesNotMatch(text, /127\.0\.0\.1|egress|relay|:\d{4,5}/)
  const problem = JSON.parse(text) as Problem
  assert.equal(problem.status, response.status)
  assert.match(
    response.headers.get('proxy-status') ?? '',
    new RegExp(`^postern; error=\\w+; details="${problem.code}"$`),
  )
  assert.equal(response.headers.get('x-request-id'), problem.requestId)
  return problem
}

/** A server that treats each connection as told, in the place of a backend. */
async function brokenBackend(treat: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    treat(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('what is not exposed is 404 and never reaches the backend', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using direct = await directOf({ backends: [backend.url], expose: [{ methods: ['GET'], path: '/v1/**' }] })
  for (const [method, path] of [
    ['GET', '/v2'],
    ['POST', '/v1/x'],
    ['GET', '/v1/%2e%2e/admin'],
    ['OPTIONS', '/v1/x'],
  ] as const) {
    const response = await fetch(`${direct.url}${path}`, { method })
    assert.equal((await problemOf(response)).code, 'NOT_EXPOSED', path)
    assert.equal(response.status, 404)
  }
  assert.equal(backend.requests, 0)
  assert.equal((await fetch(`${direct.url}/v1/x`)).status, 200)
})

test('an ingress whose credential does not cover a service is refused on every exchange', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using direct = await directOf({ backends: [backend.url], covered: ['other'] })
  const response = await fetch(direct.url)
  assert.equal((await problemOf(response)).code, 'CALLER_REFUSED')
  assert.equal(response.status, 403)
  assert.equal(backend.requests, 0)
})

test('a request that no route takes is 404', async () => {
  await using direct = await directOf({
    backends: ['http://127.0.0.1:9'],
    ingress: { routes: [{ host: 'api.example.com', path: '/a', service: 'api' }] },
  })
  const response = await fetch(`${direct.url}/a`)
  assert.equal((await problemOf(response)).code, 'ROUTE_UNKNOWN')
})

test('a backend that takes no connection is 502, and the next one is tried before the client is told', async () => {
  using dead = await brokenBackend(() => {})
  dead[Symbol.dispose]()
  await using alive = await backendOf((_request, response) => response.end('alive'))
  await using lone = await directOf({ backends: [dead.url] })
  assert.equal((await problemOf(await fetch(lone.url))).code, 'BACKEND_REFUSED')
  await using both = await directOf({ backends: [dead.url, alive.url] })
  for (let run = 0; run < 6; run++)
    assert.equal(await (await fetch(both.url, { method: 'POST', body: 'x' })).text(), 'alive')
})

test('a backend that breaks off, answers with something else, or not at all, is said to be the one', async () => {
  using broken = await brokenBackend((socket) => socket.once('data', () => socket.destroy()))
  using gibberish = await brokenBackend((socket) => socket.once('data', () => socket.end('gibberish\r\n\r\n')))
  using silent = await brokenBackend(() => {})
  for (const [url, code, status] of [
    [broken.url, 'BACKEND_LOST', 502],
    [gibberish.url, 'BACKEND_INVALID', 502],
    [silent.url, 'BACKEND_TIMEOUT', 504],
  ] as const) {
    await using direct = await directOf({ backends: [url], service: { answerMs: 300 } })
    const response = await fetch(direct.url, { method: 'POST', body: 'x' })
    assert.equal((await problemOf(response)).code, code)
    assert.equal(response.status, status)
  }
})

test('an answer that breaks off reaches the client as one that broke off, never as a whole one', async () => {
  using broken = await brokenBackend((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      setImmediate(() => socket.destroy())
    }),
  )
  await using direct = await directOf({ backends: [broken.url] })
  await assert.rejects(fetch(direct.url).then((response) => response.text()))
})

test('what is no HTTP is refused with a coded answer, and the next client is served', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using direct = await directOf({ backends: [backend.url] })
  for (const [sent, status] of [
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: h\r\nX Y: 1\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n', 501],
  ] as const) {
    const answer = await rawExchange(direct.url, sent)
    assert.match(
      answer,
      new RegExp(`^HTTP/1\\.1 ${status} `),
      `${JSON.stringify(sent.slice(0, 40))} -> ${answer.slice(0, 40)}`,
    )
  }
  assert.equal(backend.requests, 0)
  assert.equal(await (await fetch(direct.url)).text(), 'ok')
})

test('a client that is slow with its head is let go in time, and the next client is served', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using direct = await directOf({ backends: [backend.url], ingress: { limits: { headMs: 200 } } })
  assert.match(await rawExchange(direct.url, 'GET / HTTP/1.1\r\nHost: h\r\n'), /^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s)
  assert.equal(backend.requests, 0)
  assert.equal(await (await fetch(direct.url)).text(), 'ok')
})

test('a head that is too large for the mesh fails alone: no other exchange notices', async () => {
  let finish = () => {}
  await using backend = await backendOf((request, response) => {
    if (request.url === '/wide') response.writeHead(200, { ['n'.repeat(300)]: 'v' }).end('x')
    else if (request.url === '/slow') finish = () => response.end('untouched')
    else response.end('ok')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const slow = fetch(`${direct.url}/slow`)
  await eventually('an exchange is open', () => backend.requests === 1)
  assert.equal((await problemOf(await fetch(`${direct.url}/wide`))).code, 'BACKEND_INVALID')
  const long = await rawExchange(
    direct.url,
    `GET / HTTP/1.1\r\nHost: ${'h'.repeat(32_000)}\r\nConnection: close\r\n\r\n`,
  )
  assert.match(long, /^HTTP\/1\.1 (200|431) /)
  const named = await rawExchange(
    direct.url,
    `GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${'n'.repeat(300)}: v\r\n\r\n`,
  )
  assert.match(named, /^HTTP\/1\.1 431 .*HEAD_TOO_LARGE/s)
  finish()
  assert.equal(await (await slow).text(), 'untouched')
})

test('a trunk that breaks costs an idempotent request nothing, and any other one a clear answer', async () => {
  const asked: string[] = []
  await using backend = await backendOf((request, response) => {
    asked.push(request.method ?? '')
    if (asked.filter((method) => method === request.method).length > 1) response.end('second try')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const get = fetch(direct.url)
  await eventually('the request is at the backend', () => asked.includes('GET'))
  direct.breakTrunks()
  assert.equal(await (await get).text(), 'second try')

  const post = fetch(direct.url, { method: 'POST', body: 'once' })
  await eventually('the request is at the backend', () => asked.includes('POST'))
  direct.breakTrunks()
  assert.equal((await problemOf(await post)).code, 'TRUNK_LOST')
  assert.deepEqual(asked, ['GET', 'GET', 'POST'])
})

test('a client that goes away ends its exchange and the request to the backend', async () => {
  let gone = false
  await using backend = await backendOf((_request, response) => {
    response.write('first ')
    response.on('close', () => (gone = true))
  })
  await using direct = await directOf({ backends: [backend.url] })
  const controller = new AbortController()
  const response = await fetch(direct.url, { signal: controller.signal })
  const reader = response.body?.getReader()
  await reader?.read()
  controller.abort()
  await reader?.read().catch(() => {})
  await eventually('the backend has noticed', () => gone)
  await eventually('nothing is left of the exchange', () => direct.exchanges === 0)
})

test('a client that goes away while it sends ends the request at the backend', async () => {
  let aborted = false
  let arrived = false
  await using backend = await backendOf((request) => {
    request.on('data', () => (arrived = true))
    request.on('error', () => (aborted = true))
    request.on('aborted', () => (aborted = true))
  })
  await using direct = await directOf({ backends: [backend.url] })
  const sending = httpRequest(direct.url, { method: 'POST' })
  sending.on('error', () => {})
  sending.write(Buffer.alloc(100_000))
  await eventually('content is at the backend', () => arrived)
  sending.destroy()
  await eventually('the backend has noticed', () => aborted)
})
