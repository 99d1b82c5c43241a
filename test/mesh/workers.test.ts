import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { json, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { suite, test } from 'node:test'
import { backendOf, eventually, type KitMesh, type KitNode, meshOf } from '@postern/test-kit'
import { WebSocket, WebSocketServer } from 'ws'
import { octets, tallyOf } from '../process/octets.ts'
import { stalled } from '../process/stalled.ts'

const size = { relays: 2, ingresses: 1, egresses: 1, pathRelays: 1, workers: 2 }
const bulkBytes = 50_000_000
const stillLooks = 50

const statusOf = (node: KitNode | undefined) => node?.node.status()
const countOf = (node: KitNode | undefined, name: string) => statusOf(node)?.counters[name] ?? 0
/** What each worker has counted. */
const sharesOf = (node: KitNode | undefined, name: string) =>
  (statusOf(node)?.workers ?? []).map(({ counters }) => counters[name] ?? 0)

const nothingUnderWay = ({ egresses, ingresses }: KitMesh) =>
  eventually('nothing is under way', () =>
    [...ingresses, ...egresses].every((node) => {
      const { egress, ingress } = node.node.status()
      return (ingress?.requests ?? 0) + (egress?.exchanges ?? 0) === 0
    }),
  )

/** Sends a request over a connection of its own; answers with the response. */
async function send(url: string, method = 'GET', content: Readable | string = ''): Promise<IncomingMessage> {
  const sent = request(url, { method, agent: new Agent() })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  if (typeof content === 'string') sent.end(content)
  else await pipeline(content, sent)
  const [response] = await answered
  return response
}

suite('an ingress and an egress with workers', () => {
  test('serve many clients at a time, all workers take part, and the status tells the sum', async () => {
    await using backend = await backendOf((incoming, response) => {
      void text(incoming).then((said) => response.end(`${incoming.method} ${said}`))
    })
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    const asked = Array.from({ length: 200 }, async (_, at) => {
      const [method, content] = at % 2 === 0 ? ['GET', ''] : ['POST', `number ${at}`]
      const response = await send(mesh.url, method, content)
      assert.deepEqual([response.statusCode, await text(response)], [200, `${method} ${content}`])
    })
    await Promise.all(asked)
    for (const [node, name] of [
      [mesh.ingresses[0], 'requests_answered'],
      [mesh.egresses[0], 'exchanges_answered{2xx}'],
    ] as const) {
      await eventually('all is counted', () => countOf(node, name) === 200)
      const shares = sharesOf(node, name)
      assert.equal(shares.length, 2)
      assert.ok(
        shares.every((share) => share > 0),
        String(shares),
      )
    }
    await nothingUnderWay(mesh)
    assert.equal(countOf(mesh.ingresses[0], 'defects') + countOf(mesh.egresses[0], 'defects'), 0)
  })

  test('carry much, up and down, whole', async () => {
    const whole = await tallyOf(octets(bulkBytes))
    await using backend = await backendOf((incoming, response) => {
      if (incoming.method === 'GET') pipeline(octets(bulkBytes), response).catch(() => response.destroy())
      else
        tallyOf(incoming).then(
          (tally) => response.end(JSON.stringify(tally)),
          () => response.destroy(),
        )
    })
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    assert.deepEqual(await tallyOf(await send(mesh.url)), whole)
    assert.deepEqual(await json(await send(mesh.url, 'PUT', Readable.from(octets(bulkBytes)))), whole)
  })

  test('carry a WebSocket conversation to a clean close', async () => {
    await using backend = await backendOf((_incoming, response) => response.writeHead(426).end())
    const server = new WebSocketServer({ server: backend.server })
    server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    const client = new WebSocket(mesh.url.replace('http', 'ws'))
    await once(client, 'open')
    const echo = once(client, 'message') as Promise<[Buffer, boolean]>
    client.send(Buffer.alloc(300_000, 7))
    const [data, binary] = await echo
    assert.deepEqual([data.equals(Buffer.alloc(300_000, 7)), binary], [true, true])
    const closed = once(client, 'close')
    client.close(1000, 'all is said')
    const [code, reason] = await closed
    assert.deepEqual([code, String(reason)], [1000, 'all is said'])
    await eventually('the upgrade is counted', () => countOf(mesh.ingresses[0], 'requests_upgraded') === 1)
    await nothingUnderWay(mesh)
  })

  test('tell the backend that a client has gone', async () => {
    const gone = Promise.withResolvers<void>()
    await using backend = await backendOf((_incoming, response) => {
      response.writeHead(200)
      response.write('some')
      response.on('close', gone.resolve)
    })
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    const reader = await stalled(mesh.url, '/')
    reader[Symbol.dispose]()
    await gone.promise
    await eventually('it is counted', () => countOf(mesh.ingresses[0], 'requests_cancelled') === 1)
    await nothingUnderWay(mesh)
  })

  test('hold back a backend whose clients read no more, and nobody else', async () => {
    let sent = 0
    await using backend = await backendOf((incoming, response) => {
      if (incoming.url !== '/large') {
        response.end('quick')
        return
      }
      const counted = function* () {
        for (const piece of octets(bulkBytes)) {
          sent += piece.length
          yield piece
        }
      }
      pipeline(counted(), response).catch(() => response.destroy())
    })
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    using readers = new DisposableStack()
    for (let count = 0; count < 8; count++) readers.use(await stalled(mesh.url, '/large'))
    let before = -1
    let looks = 0
    await eventually('the backend can send no more', () => {
      looks = sent === before ? looks + 1 : 0
      before = sent
      return looks >= stillLooks
    })
    assert.ok(sent < 8 * 12_000_000, `${sent} octets were taken`)
    for (let count = 0; count < 50; count++) assert.equal(await text(await send(mesh.url, 'GET')), 'quick')
    readers.dispose()
    await nothingUnderWay(mesh)
  })

  test('answer what is under way when they are told to stop', async () => {
    const held = Promise.withResolvers<void>()
    await using backend = await backendOf(
      (_incoming, response) => void held.promise.then(() => response.end('at last')),
    )
    await using mesh = await meshOf({ ...size, backends: [backend.url], drainMs: 10_000 })
    const answers = Array.from({ length: 10 }, async () => await text(await send(mesh.url)))
    await eventually('they are at the backend', () => backend.requests === 10)
    const stopped = [...mesh.egresses, ...mesh.ingresses].map(({ node }) => node.stop())
    const { hostname, port } = new URL(mesh.url)
    await eventually('nobody listens any more', async () => {
      const socket = connect(Number(port), hostname)
      const refused = await once(socket, 'connect').then(
        () => false,
        () => true,
      )
      socket.destroy()
      return refused
    })
    held.resolve()
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 10 }, () => 'at last'),
    )
    await Promise.all(stopped)
  })

  test('go to another egress when one is lost', async () => {
    await using backend = await backendOf((_incoming, response) => response.end('ok'))
    await using mesh = await meshOf({ ...size, egresses: 2, backends: [backend.url] })
    for (let count = 0; count < 20; count++) assert.equal(await text(await send(mesh.url)), 'ok')
    await mesh.egresses[0]?.node.stop()
    for (let count = 0; count < 20; count++) assert.equal(await text(await send(mesh.url)), 'ok')
    await mesh.egresses[1]?.node.stop()
    assert.equal((await send(mesh.url)).statusCode, 503)
  })

  test('stop for a caller who is a member no more', async () => {
    await using backend = await backendOf((_incoming, response) => response.end('ok'))
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    assert.equal((await send(mesh.url)).statusCode, 200)
    await mesh.revoke('ingress-1')
    await eventually('it is answered no more', async () => (await send(mesh.url)).statusCode === 503, 60_000)
  })

  test('do not start at an address that others listen at, with workers or without', async () => {
    await using backend = await backendOf((_incoming, response) => response.end('ok'))
    await using mesh = await meshOf({ ...size, backends: [backend.url] })
    const door = (url: string) => ({ workers: 2, ingress: { listen: [{ url }], routes: [{ service: 'api' }] } })
    await assert.rejects(mesh.add('late-1', 'ingress', door(mesh.url)), { code: 'ADDRESS_IN_USE' })
    await assert.rejects(mesh.add('late-2', 'ingress', door(backend.url)), { code: 'ADDRESS_IN_USE' })
    await assert.rejects(mesh.add('late-3', 'ingress', { ...door(mesh.url), workers: 0 }), { code: 'ADDRESS_IN_USE' })
    assert.equal((await send(mesh.url)).statusCode, 200)
  })
})
