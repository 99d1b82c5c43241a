import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as ask, get, type RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { rawClient, rawExchange } from './raw.ts'

const connections = 8
const big = Buffer.alloc(32 * 2 ** 20, 'x')

/** Answers /big with more than sockets and windows hold, and everything else with `ok` once the request is whole. */
const api: RequestListener = (request, response) => {
  request.resume().on('end', () => response.end(request.url === '/big' ? big : 'ok'))
}

/** Clients of one address that send a text each, read nothing, and stay. */
class Hogs implements Disposable {
  readonly sockets: Socket[] = []
  closed = 0

  async send(url: string, text: string, times: number): Promise<void> {
    for (let each = 0; each < times; each++) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.on('close', () => {
        this.closed += 1
      })
      socket.pause()
      this.sockets.push(socket)
      await once(socket, 'connect')
      socket.write(text)
    }
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy()
  }
}

/** What a client of an address gets, in whole. */
async function answerTo(url: string, localAddress = '127.0.0.2'): Promise<string> {
  const asked = get(url, { localAddress, agent: false })
  const [response] = await once(asked, 'response', { signal: AbortSignal.timeout(20_000) })
  return (await response.toArray()).join('')
}

/** What a client of an address gets for content that is more than is gathered. */
async function upload(url: string, localAddress: string): Promise<string> {
  const asked = ask(url, { method: 'PUT', localAddress, agent: false })
  asked.end(Buffer.alloc(300_000))
  const [response] = await once(asked, 'response', { signal: AbortSignal.timeout(20_000) })
  return (await response.toArray()).join('')
}

const getBig = 'GET /big HTTP/1.1\r\nHost: h\r\n\r\n'
const limits = { exchangesPerAddress: 1000, exchangesPerConnection: 4 }

suite('one client does not stop a service', () => {
  test('twice the pool of pipelined requests on one socket, whose answers nobody reads', async () => {
    await using backend = await backendOf(api)
    await using direct = await directOf({ backends: [backend.url], service: { connections }, ingress: { limits } })
    using hogs = new Hogs()
    await hogs.send(direct.url, getBig.repeat(2 * connections), 1)
    await eventually('as many are under way as may be', () => backend.requests === limits.exchangesPerConnection)
    for (let each = 0; each < 3; each++) assert.equal(await answerTo(direct.url), 'ok')
    assert.equal(backend.requests, limits.exchangesPerConnection + 3)
  })

  test('twice the pool of sockets, whose answers nobody reads', async () => {
    await using backend = await backendOf(api)
    // Their own requests that wait for their share are nobody whom they keep waiting.
    const service = { connections, stalledMs: 1 }
    await using direct = await directOf({ backends: [backend.url], service, ingress: { limits } })
    using hogs = new Hogs()
    await hogs.send(direct.url, getBig, 2 * connections)
    await eventually('its share is taken', () => direct.exchanges === 2 * connections)
    for (let each = 0; each < 3; each++) assert.equal(await answerTo(direct.url), 'ok')
    assert.equal(backend.requests, connections / 2 + 3)
    assert.equal(hogs.closed, 0)
  })

  test('twice the pool of requests that begin their content and never go on', async () => {
    await using backend = await backendOf(api)
    const service = { connections, connectionsPerClient: connections, requestBufferMs: 1 }
    await using direct = await directOf({ backends: [backend.url], service, ingress: { limits } })
    for (const [framing, reached] of [
      ['Content-Length: 10\r\n\r\nx', 0],
      ['Content-Length: 20000\r\nExpect: 100-continue\r\n\r\n', 0],
      // Of unknown length, content may be a conversation: it is let through, in half of the places that there are for it.
      ['Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n', connections / 4],
    ] as const) {
      const before = backend.requests
      using hogs = new Hogs()
      await hogs.send(direct.url, `POST / HTTP/1.1\r\nHost: h\r\n${framing}`, 2 * connections)
      await eventually('all have arrived', () => direct.exchanges === 2 * connections)
      await eventually('those that may have gone on', () => backend.requests === before + reached)
      for (let each = 0; each < 3; each++) assert.equal(await answerTo(direct.url, '127.0.0.1'), 'ok')
      assert.equal(await upload(direct.url, '127.0.0.2'), 'ok')
      assert.equal(backend.requests, before + reached + 4)
      hogs[Symbol.dispose]()
      await eventually('nothing is left of them', () => direct.exchanges === 0)
    }
  })

  test('answers that nobody reads are ended when others wait for their connections', async () => {
    await using backend = await backendOf(api)
    const service = { connections, connectionsPerClient: connections, stalledMs: 200 }
    await using direct = await directOf({ backends: [backend.url], service, ingress: { limits } })
    using hogs = new Hogs()
    await hogs.send(direct.url, getBig, connections)
    await eventually('all connections are held', () => backend.requests === connections)
    assert.equal(await answerTo(direct.url), 'ok')
    await eventually('one was ended', () => direct.exchanges < connections)
  })

  test('more requests of one address than it may have are answered with CLIENT_BUSY, those of another are not', async () => {
    await using backend = await backendOf(api)
    const few = { exchangesPerAddress: 2, upgradesPerAddress: 1 }
    await using direct = await directOf({ backends: [backend.url], ingress: { limits: few } })
    using hogs = new Hogs()
    await hogs.send(direct.url, getBig, 2)
    await eventually('both are under way', () => direct.exchanges === 2)
    const refused = await fetch(direct.url)
    assert.equal(refused.status, 429)
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.equal(((await refused.json()) as { code: string }).code, 'CLIENT_BUSY')
    assert.equal(await answerTo(direct.url), 'ok')
    hogs[Symbol.dispose]()
    await eventually('the places are free again', async () => (await fetch(direct.url)).status === 200)
    assert.ok((direct.ingressCounters.snapshot()['requests_failed{CLIENT_BUSY}'] ?? 0) >= 1)
  })

  test('content slower than the least rate ends in time, and quicker content is let finish', async () => {
    await using backend = await backendOf(api)
    const slow = { contentMs: 300, contentBytesPerSecond: 50 }
    await using direct = await directOf({ backends: [backend.url], ingress: { limits: slow } })
    const head = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n'
    assert.match(await rawExchange(direct.url, `${head}x`), /^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s)
    assert.equal(backend.requests, 0)
    using client = await rawClient(direct.url)
    client.send(head + 'x'.repeat(4999))
    // What has arrived gives it a hundred seconds: it is there after the time in which the other was ended.
    const ended = rawExchange(direct.url, head)
    await ended
    client.send('x')
    await client.until(/^HTTP\/1\.1 200 .*ok$/s)
  })
})

test('what cannot wait for a connection is answered with BUSY at once, and when to try again', async () => {
  const waiting: Array<() => void> = []
  await using backend = await backendOf((_request, response) => waiting.push(() => response.end('ok')))
  await using direct = await directOf({ backends: [backend.url], service: { connections: 1, queue: 1 } })
  const first = answerTo(direct.url, '127.0.0.2')
  await eventually('the connection is held', () => backend.requests === 1)
  const second = answerTo(direct.url, '127.0.0.3')
  await eventually('one waits', () => direct.exchanges === 2)
  const third = await fetch(direct.url)
  assert.equal(third.status, 503)
  assert.equal(third.headers.get('retry-after'), '1')
  assert.equal(((await third.json()) as { code: string }).code, 'BUSY')
  waiting.shift()?.()
  assert.equal(await first, 'ok')
  await eventually('the one that waited is sent on', () => backend.requests === 2)
  waiting.shift()?.()
  assert.equal(await second, 'ok')
})

test('where nothing may wait, a request is served as long as a connection can be made for it', async () => {
  const waiting: Array<() => void> = []
  await using backend = await backendOf((_request, response) => waiting.push(() => response.end('ok')))
  await using direct = await directOf({ backends: [backend.url], service: { connections: 2, queue: 0 } })
  const served = ['127.0.0.2', '127.0.0.3'].map((address) => answerTo(direct.url, address))
  await eventually('both connections are held', () => backend.requests === 2)
  const refused = await fetch(direct.url, { method: 'POST', body: 'x' })
  assert.equal(((await refused.json()) as { code: string }).code, 'BUSY')
  for (const answer of waiting) answer()
  assert.deepEqual(await Promise.all(served), ['ok', 'ok'])
})

test('an answer that comes before its content was taken leaves nothing open', async () => {
  await using backend = await backendOf((asked, response) => {
    asked.pause()
    response.writeHead(401, { connection: 'close' }).end('no')
  })
  await using direct = await directOf({ backends: [backend.url] })
  const sizes = Array.from({ length: 40 }, (_, at) => (at + 1) * 64 * 1024)
  await Promise.all(
    sizes.map(async (bytes) => {
      using client = await rawClient(direct.url)
      client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n`)
      client.send(Buffer.alloc(bytes))
      await client.until(/^HTTP\/1\.1 (401|502) /)
    }),
  )
  await eventually('nothing is left of the exchanges', () => direct.exchanges === 0)
})

test('an answer whose head no frame holds gives its connection back', async () => {
  await using backend = await backendOf((asked, response) => {
    if (asked.url !== '/wide') return response.end('ok')
    for (let at = 0; at < 1200; at++) response.setHeader(`x-${at}`, 'v')
    response.writeHead(200)
    return response.write('and no end')
  })
  await using direct = await directOf({ backends: [backend.url], service: { connections: 1 } })
  for (let each = 0; each < 3; each++) assert.equal((await fetch(`${direct.url}/wide`)).status, 502)
  assert.equal(await answerTo(direct.url), 'ok')
})

test('connections that were switched to another protocol are no more than a service and an address may have', async () => {
  await using backend = await backendOf(api)
  const opened: Socket[] = []
  backend.server.on('upgrade', (_request, socket: Socket) => {
    opened.push(socket)
    socket.on('end', () => socket.end()).resume()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  })
  const expose = [{ methods: ['*'], path: '/**', upgrades: ['echo'] }]
  const upgrade = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'
  for (const [service, ingress, code] of [
    [{ tunnels: 2 }, {}, 'BUSY'],
    [{}, { upgradesPerAddress: 2 }, 'CLIENT_BUSY'],
  ] as const) {
    await using direct = await directOf({ backends: [backend.url], expose, service, ingress: { limits: ingress } })
    using hogs = new Hogs()
    await hogs.send(direct.url, upgrade, 2)
    const before = opened.length
    await eventually('both are open', () => direct.exchanges === 2 && opened.length >= before)
    assert.match(await rawExchange(direct.url, upgrade), new RegExp(code))
    assert.equal(await (await fetch(direct.url)).text(), 'ok')
    hogs[Symbol.dispose]()
    await eventually('both are gone', () => direct.exchanges === 0)
    using client = await rawClient(direct.url)
    client.send(upgrade)
    await client.until(/^HTTP\/1\.1 101 /)
  }
})
