import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { rawClient, rawExchange } from './raw.ts'

const close = 'Host: h\r\nConnection: close\r\n'
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

test('HEAD, 204 and 304 have no content and keep the length they speak of', async () => {
  await using backend = await backendOf((request, response) => {
    if (request.url === '/204') response.writeHead(204).end()
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"' }).end()
    else response.writeHead(200, { 'content-length': 5 }).end('hello')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const head = await rawExchange(direct.url, `HEAD / HTTP/1.1\r\n${close}\r\n`)
  assert.match(head, /^HTTP\/1\.1 200 .*content-length: 5/is)
  assert.equal(bodyOf(head), '')
  for (const status of [204, 304]) {
    const answer = await rawExchange(direct.url, `GET /${status} HTTP/1.1\r\n${close}\r\n`)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
    assert.equal(bodyOf(answer), '')
    assert.doesNotMatch(answer, /transfer-encoding/i)
  }
})

test('content of known and of unknown length arrives whole, both ways', async () => {
  await using backend = await backendOf((request, response) => {
    const hash = createHash('sha256')
    const framing = request.headers['content-length'] === undefined ? 'chunked' : 'length'
    request.on('data', (chunk: Buffer) => hash.update(chunk))
    request.on('end', () => response.end(`${framing} ${hash.digest('hex')}`))
  })
  await using direct = await directOf({ backends: [backend.url] })
  const content = randomBytes(1_500_000)
  const sum = createHash('sha256').update(content).digest('hex')
  const known = await fetch(direct.url, { method: 'POST', body: content })
  assert.equal(await known.text(), `length ${sum}`)
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < content.length; at += 100_000) controller.enqueue(content.subarray(at, at + 100_000))
      controller.close()
    },
  })
  const unknown = await fetch(direct.url, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
  assert.equal(await unknown.text(), `chunked ${sum}`)
})

test('an upload that takes longer than an answer may is not cut off while it goes on', async () => {
  await using backend = await backendOf((request, response) => {
    request.resume()
    request.on('end', () => response.end('taken'))
  })
  const ingress = { routes: [{ service: 'api', answerMs: 400 }] }
  await using direct = await directOf({ backends: [backend.url], ingress })
  using client = await rawClient(direct.url)
  client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n')
  const started = performance.now()
  let sent = 0
  await eventually('three times the time for an answer has gone by', () => {
    const due = Math.floor((performance.now() - started) / 100)
    for (; sent < Math.min(due, 12); sent++) client.send('x')
    return sent === 12
  })
  await client.until(/HTTP\/1\.1 200 .*taken/s)
})

test('trailer fields of an answer arrive after its content', async () => {
  await using backend = await backendOf((_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('content')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  })
  await using direct = await directOf({ backends: [backend.url] })
  const answer = await rawExchange(direct.url, `GET / HTTP/1.1\r\nTE: trailers\r\n${close}\r\n`)
  assert.match(answer, /7\r\ncontent\r\n0\r\nx-sum: 42\r\n\r\n$/)
})

test('trailer fields of a request reach the backend, but none that could change what its head says', async () => {
  await using backend = await backendOf((request, response) => {
    request.resume()
    request.on('end', () => response.end(JSON.stringify(request.rawTrailers)))
  })
  await using direct = await directOf({ backends: [backend.url] })
  const trailers =
    'X-Sum: 42\r\nAuthorization: Basic eA==\r\nX-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n' +
    'X-HTTP-Method-Override: PUT\r\nX_Forwarded_For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n'
  const answer = await rawExchange(
    direct.url,
    `POST / HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n${trailers}\r\n`,
  )
  assert.ok(bodyOf(answer).includes('["X-Sum","42"]'), answer)
})

test('an answer shows its head, and each piece of its content, when it is there and not when it ends', async () => {
  let finish = () => {}
  await using backend = await backendOf((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    response.write('data: 1\n\n')
    finish = () => response.end('data: 2\n\n')
  })
  await using direct = await directOf({ backends: [backend.url] })
  using client = await rawClient(direct.url)
  client.send(`GET / HTTP/1.1\r\n${close}\r\n`)
  await client.until(/data: 1\n/)
  finish()
  await client.until(/data: 2\n/)
})

test('an early hint arrives before the answer, in whatever form its links are, and not where nobody knows of hints', async () => {
  const links = ['</style.css>; rel=preload; as=style', '</a>; rel=preload, </b>; rel=preload', 'nonsense']
  await using backend = await backendOf((request, response) => {
    response.socket?.write(`HTTP/1.1 103 Early Hints\r\nlink: ${links[Number(request.url?.slice(1))]}\r\n\r\n`)
    response.end('ok')
  })
  await using direct = await directOf({ backends: [backend.url] })
  for (const [at, link] of links.entries()) {
    const answer = await rawExchange(direct.url, `GET /${at} HTTP/1.1\r\n${close}\r\n`)
    assert.ok(answer.startsWith(`HTTP/1.1 103 Early Hints\r\nlink: ${link}\r\n\r\nHTTP/1.1 200 `), answer)
  }
  assert.match(await rawExchange(direct.url, 'GET /0 HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

test('a client that waits for 100 is told to go on when the backend wants the content, and not before it is refused', async () => {
  await using backend = await backendOf((request, response) => {
    request.resume()
    request.on('end', () => response.end('taken'))
  })
  await using direct = await directOf({ backends: [backend.url], expose: [{ methods: ['PUT'], path: '/open' }] })
  using client = await rawClient(direct.url)
  client.send('PUT /open HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  client.send('body')
  await client.until(/HTTP\/1\.1 200 .*taken/s)
  const refused = await rawExchange(
    direct.url,
    `PUT /closed HTTP/1.1\r\n${close}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
  )
  assert.match(refused, /^HTTP\/1\.1 404 /)
})

test('a client of HTTP/1.0 gets an answer that ends with the connection', async () => {
  await using backend = await backendOf((_request, response) => {
    response.write('part ')
    response.end('rest')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const answer = await rawExchange(direct.url, 'GET / HTTP/1.0\r\nHost: h\r\n\r\n')
  assert.equal(bodyOf(answer), 'part rest')
})

test('requests that follow each other on one connection are answered in order', async () => {
  await using backend = await backendOf((request, response) => response.end(`answer ${request.url}`))
  await using direct = await directOf({ backends: [backend.url] })
  using client = await rawClient(direct.url)
  client.send('GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n')
  const heard = await client.until(/answer \/3/)
  assert.deepEqual(heard.match(/answer \/\d/g), ['answer /1', 'answer /2', 'answer /3'])
})

test('an answer that comes while the request is still being sent is passed on', async () => {
  await using backend = await backendOf((_request, response) => {
    response.writeHead(413, { connection: 'close' }).end('enough')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const asked = httpRequest(direct.url, { method: 'POST' })
  asked.on('error', () => {})
  asked.write(Buffer.alloc(1000))
  const [response] = (await once(asked, 'response')) as [{ statusCode: number }]
  assert.equal(response.statusCode, 413)
  asked.destroy()
})
