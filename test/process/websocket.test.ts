import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { backendOf, eventually } from '@postern/test-kit'
import { WebSocket, WebSocketServer } from 'ws'
import { demoOf } from './demo.ts'

const sizes = [0, 1, 125, 126, 4096, 65_535, 65_536, 300_000, 1_000_000]
const messages = Array.from({ length: 360 }, (_, at) => ({
  data: Buffer.alloc(sizes[at % sizes.length] ?? 0, String.fromCodePoint(97 + (at % 26))),
  binary: at % 3 !== 0,
}))

test('a WebSocket conversation with a hidden API, from the first message to a clean close', async () => {
  await using backend = await backendOf((_request, response) => response.writeHead(426).end())
  const server = new WebSocketServer({ server: backend.server })
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  await using demo = await demoOf({ backend: backend.url })
  const isOver = async () => {
    const statuses = await Promise.all(demo.nodes.map((node) => demo.status(node)))
    return statuses.every(({ egress, ingress }) => (egress?.exchanges ?? 0) + (ingress?.requests ?? 0) === 0)
  }
  const open = async () => {
    const accepted = once(server, 'connection') as Promise<[WebSocket]>
    const client = new WebSocket(demo.url.replace('http', 'ws'))
    await once(client, 'open')
    const [host] = await accepted
    return { client, host }
  }

  const { client, host } = await open()
  const echoes = new Promise<void>((resolve, reject) => {
    let heard = 0
    client.on('message', (data: Buffer, binary) => {
      const sent = messages[heard]
      if (sent?.binary !== binary || !sent.data.equals(data)) reject(new Error(`message ${heard} came back as another`))
      heard += 1
      if (heard === messages.length) resolve()
    })
  })
  for (const { binary, data } of messages) client.send(data, { binary })
  await echoes

  for (const [from, to] of [
    [client, host],
    [host, client],
  ] as const) {
    const heard = once(to, 'ping')
    const answered = once(from, 'pong')
    from.ping('are you there?')
    assert.equal(String((await heard)[0]), 'are you there?')
    assert.equal(String((await answered)[0]), 'are you there?')
  }

  const closed = Promise.all([once(client, 'close'), once(host, 'close')])
  client.close(1000, 'all is said')
  for (const [code, reason] of await closed) assert.deepEqual([code, String(reason)], [1000, 'all is said'])
  await eventually('nothing is left of the conversation', isOver)

  const second = await open()
  const ended = Promise.all([once(second.client, 'close'), once(second.host, 'close')])
  second.host.close(4001, 'the host leaves')
  for (const [code, reason] of await ended) assert.deepEqual([code, String(reason)], [4001, 'the host leaves'])
  await eventually('nothing is left of the second conversation', isOver)
})
