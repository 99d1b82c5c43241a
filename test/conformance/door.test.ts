import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { backendOf, directOf, eventually } from '@postern/test-kit'
import { type RawClient, rawClient } from './raw.ts'

const vector = (name: string) =>
  fileURLToPath(new URL(`../../packages/egress/test/vectors/localhost-${name}.pem`, import.meta.url))
const tls = { cert: vector('certificate'), key: vector('key') }
const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'

/** An ingress with one listener, whose backend answers with where a request is from. */
async function doorOf(
  listen: Record<string, unknown>,
  limits: Record<string, unknown>,
  more: Record<string, unknown> = {},
) {
  const backend = await backendOf((asked, response) => response.end(`for ${String(asked.headers['x-forwarded-for'])}!`))
  const url = `${listen['tls'] === undefined ? 'http' : 'https'}://127.0.0.1:0`
  const direct = await directOf({
    backends: [backend.url],
    ingress: { listen: [{ url, ...listen }], limits: { handshakeMs: 60_000, ...limits }, ...more },
  })
  return {
    url: direct.url,
    counted: (name: string) => direct.ingressCounters.snapshot()[name] ?? 0,
    async [Symbol.asyncDispose]() {
      await direct[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
    },
  }
}

/** What is answered to a request over TLS, which begins on a connection on which this much was said before. */
function askTls({ socket }: RawClient): Promise<string> {
  const secure = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const heard = new Promise<string>((resolve, reject) => {
    let text = ''
    secure.on('data', (piece: Buffer) => {
      text += piece.toString()
      if (text.includes('!')) resolve(text)
    })
    secure.on('error', reject)
    secure.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
  })
  secure.write(request)
  return heard
}

/** The first message of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectTls({ port: (server.address() as AddressInfo).port, servername: 'localhost' })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return hello
}

test('a client that does not begin TLS, or does not go on with it, is let go of in time', async () => {
  await using door = await doorOf({ tls }, { handshakeMs: 300 })
  const hello = await clientHello()
  using silent = await rawClient(door.url)
  using half = await rawClient(door.url)
  half.send(hello.subarray(0, hello.length / 2))
  using stopped = await rawClient(door.url)
  stopped.send(hello)
  using slow = await rawClient(door.url)
  const octets = [...hello]
  const drip = setInterval(() => slow.send(Buffer.from(octets.splice(0, 1))), 20)
  for (const client of [silent, half, stopped, slow]) await client.closed()
  clearInterval(drip)
  assert.ok(octets.length > 0, 'an octet now and then gives no more time')
  assert.equal(door.counted('connections_refused{late}'), 4)
})

test('a client that leaves before TLS has begun, or says something else, keeps no place', async () => {
  await using door = await doorOf({ tls }, {})
  const hello = await clientHello()
  for (const said of [Buffer.alloc(0), hello.subarray(0, 40), hello]) {
    using client = await rawClient(door.url)
    client.socket.end(said)
    await client.closed()
  }
  using other = await rawClient(door.url)
  other.send(request)
  await other.closed()
  assert.equal(door.counted('connections_refused{tls}'), 4)
})

for (const [scheme, listen] of [
  ['http', {}],
  ['https', { tls }],
] as const) {
  const served = async (client: RawClient) => {
    if (scheme === 'https') return await askTls(client)
    client.send(request)
    return await Promise.race([client.until(/!/), client.closed()])
  }

  test(`at the ceiling of ${scheme} connections the oldest without a request makes room, then the newest is refused`, async () => {
    await using door = await doorOf(listen, { connections: 3 })
    using first = await rawClient(door.url)
    assert.match(await served(first), /200 /)
    using second = await rawClient(door.url)
    using third = await rawClient(door.url)
    using fourth = await rawClient(door.url)
    assert.match(await served(fourth), /200 /)
    assert.equal(await second.closed(), '')
    using fifth = await rawClient(door.url)
    assert.match(await served(fifth), /200 /)
    assert.equal(await third.closed(), '')
    using sixth = await rawClient(door.url)
    await sixth.closed()
    assert.equal(first.socket.closed, false)
    assert.equal(door.counted('connections_evicted{ceiling}'), 2)
    assert.equal(door.counted('connections_refused{ceiling}'), 1)
  })

  test(`one address has so many ${scheme} connections and no more, and another address has its own`, async () => {
    await using door = await doorOf(listen, { connectionsPerAddress: 2 })
    using first = await rawClient(door.url)
    assert.match(await served(first), /200 /)
    using silent = await rawClient(door.url)
    using second = await rawClient(door.url)
    assert.match(await served(second), /200 /)
    assert.equal(await silent.closed(), '')
    using surplus = await rawClient(door.url)
    await surplus.closed()
    assert.equal(door.counted('connections_refused{address}'), 1)
    using other = await rawClient(door.url, '127.0.0.2')
    assert.match(await served(other), /for 127\.0\.0\.2!/)
    first.socket.destroy()
    await eventually('a place is free', async () => {
      using next = await rawClient(door.url)
      return /200 /.test(await served(next).catch(() => ''))
    })
  })

  test(`behind a trusted proxy, a ${scheme} client is who its PROXY header says`, async () => {
    await using door = await doorOf(
      { ...listen, proxyProtocol: true },
      { connectionsPerAddress: 1 },
      { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] },
    )
    const version2 = Buffer.from('0d0a0d0a000d0a515549540a2121002420010db8000000000000000000000007', 'hex')
    const rest = Buffer.concat([Buffer.alloc(15), Buffer.of(1, 0, 80, 1, 187)])
    using one = await rawClient(door.url)
    one.send('PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n')
    assert.match(await served(one), /for 192\.0\.2\.7!/)
    using six = await rawClient(door.url)
    six.send(version2)
    six.send(rest)
    assert.match(await served(six), /for 2001:db8::7!/)
    using itself = await rawClient(door.url)
    itself.send('PROXY UNKNOWN\r\n')
    assert.match(await served(itself), /for 127\.0\.0\.1!/)
    using again = await rawClient(door.url)
    again.send('PROXY TCP4 192.0.2.7 198.51.100.1 40001 443\r\n')
    await again.closed()
    using without = await rawClient(door.url)
    without.send(request)
    assert.equal(await without.closed(), '')
    using stranger = await rawClient(door.url, '127.0.0.2')
    stranger.send('PROXY TCP4 192.0.2.8 198.51.100.1 40000 443\r\n')
    assert.equal(await stranger.closed(), '')
    assert.equal(door.counted('connections_refused{address}'), 1)
    assert.equal(door.counted('connections_refused{proxy}'), 2)
  })

  test(`a proxy that does not finish its header before ${scheme} is let go of in time`, async () => {
    const trustedProxies = ['127.0.0.1']
    await using door = await doorOf({ ...listen, proxyProtocol: true }, { handshakeMs: 300 }, { trustedProxies })
    for (const start of ['', 'PROXY TCP4 192.0.2.9 ']) {
      using half = await rawClient(door.url)
      half.send(start)
      assert.equal(await half.closed(), '')
    }
    using ended = await rawClient(door.url)
    ended.socket.end('PROXY ')
    assert.equal(await ended.closed(), '')
    assert.equal(door.counted('connections_refused{late}'), 2)
    assert.equal(door.counted('connections_refused{proxy}'), 1)
  })
}

test('a request may stand in the same packet as the PROXY header before it', async () => {
  await using door = await doorOf({ proxyProtocol: true }, {}, { trustedProxies: ['127.0.0.0/8'] })
  for (const header of ['PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n', 'PROXY UNKNOWN\r\n']) {
    using client = await rawClient(door.url)
    client.send(`${header}${request}${request}`)
    await client.until(/!(.|\s)*!/)
    client.send(request)
    await client.until(/!(.|\s)*!(.|\s)*!/)
  }
})

test('whom a trusted proxy speaks for is whom the request is from, and nobody else is believed', async () => {
  await using door = await doorOf({}, {}, { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] })
  const from = async (list: string, localAddress?: string) => {
    using client = await rawClient(door.url, localAddress)
    client.send(`GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: ${list}\r\n\r\n`)
    return /for (\S+)!/.exec(await client.until(/!/))?.[1]
  }
  assert.equal(await from('192.0.2.7'), '192.0.2.7')
  assert.equal(await from('203.0.113.1, 192.0.2.7, 10.1.1.1'), '192.0.2.7')
  assert.equal(await from('192.0.2.7', '127.0.0.2'), '127.0.0.2')
})
