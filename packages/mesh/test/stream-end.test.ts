import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { endStream } from '../src/stream-end.ts'
import { collect, linkedPair } from './streams.ts'

test('a stream that the other side ends too is over, and what was said before arrives', async () => {
  await using pair = await linkedPair()
  const [client, server] = await pair.open()
  const heard = collect(client)
  server.send(Buffer.from('no'))
  const ended = endStream(server, 60_000)
  assert.equal((await heard).toString(), 'no')
  await client.close()
  await ended
  assert.equal(server.status, 'closed')
})

test('a stream that the other side keeps open is reset, and nothing that it sends is kept', async () => {
  await using pair = await linkedPair()
  const [client, server] = await pair.open()
  const reset = once(client, 'close')
  client.send(Buffer.alloc(200_000))
  await endStream(server, 100)
  assert.equal(server.readBufferLength, 0)
  await reset
  assert.deepEqual([server.status, client.status], ['aborted', 'reset'])
})
