import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { after, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { closed, listening, pooled, treating } from './backends.ts'
import { Recorder } from './recorder.ts'

const cert = readFileSync(new URL('./vectors/localhost-certificate.pem', import.meta.url), 'utf8')
const key = readFileSync(new URL('./vectors/localhost-key.pem', import.meta.url), 'utf8')
const usual = getCACertificates()
after(() => setDefaultCACertificates(usual))

/** What two requests, one after the other, hear of a server with a certificate for localhost, reached by this name. */
async function heardOf(host: string) {
  const server = createServer({ cert, key }, (request, response) => response.end(request.headers.host))
  await using backend = await listening(server, host, 'https')
  using one = pooled(backend)
  const carried = [new Recorder(), new Recorder()]
  for (const each of carried) {
    one.pool.request(each)
    await each.over
  }
  return {
    heard: carried.map(({ heard }) => heard),
    reasons: carried.map(({ reason }) => reason),
    connections: backend.sockets.length,
  }
}

test('a backend whose certificate nobody vouches for is refused, and hears no request', async () => {
  const { heard, reasons } = await heardOf('localhost')
  assert.deepEqual(heard, [['failed BACKEND_REFUSED'], ['failed BACKEND_REFUSED']])
  for (const reason of reasons) assert.match(reason, /self-signed certificate/)
})

test('a backend with a good certificate for its name is talked to over TLS, on one connection', async () => {
  setDefaultCACertificates([cert])
  const { connections, heard } = await heardOf('localhost')
  const answer = ['response 200', 'data api.example', 'end']
  assert.deepEqual(heard, [answer, answer])
  assert.equal(connections, 1)
})

test('a backend with a good certificate for another name is refused', async () => {
  setDefaultCACertificates([cert])
  const { heard, reasons } = await heardOf('127.0.0.1')
  assert.deepEqual(heard, [['failed BACKEND_REFUSED'], ['failed BACKEND_REFUSED']])
  for (const reason of reasons) assert.match(reason, /altnames/)
})

test('a backend that speaks no TLS, or does not speak at all, is refused in time', async () => {
  for (const treat of [() => {}, 'nonsense'] as const) {
    await using backend = await treating((socket) => {
      if (treat === 'nonsense') socket.once('data', () => socket.write(treat))
    })
    using one = pooled({ origin: new URL(backend.origin.href.replace('http', 'https')) }, { connectMs: 200 })
    const carried = new Recorder()
    one.pool.request(carried)
    await carried.over
    assert.deepEqual(carried.heard, ['failed BACKEND_REFUSED'])
    await closed(backend.sockets[0])
  }
})

test('an IPv6 address is connected to without its brackets', async () => {
  const server = createServer({ cert, key })
  await using backend = await listening(server, '127.0.0.1')
  using one = pooled({ origin: new URL(`http://[::ffff:127.0.0.1]:${backend.origin.port}`) }, { connectMs: 1000 })
  const carried = new Recorder({}, { answerMs: 1000 })
  one.pool.request(carried)
  await carried.carrier
})
