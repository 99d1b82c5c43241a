import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { linkedPair } from './streams.ts'

const windowBytes = 1024 * 1024

test('a stream that is paused again by what its resume hands out takes no more than its window', async () => {
  await using pair = await linkedPair()
  const [client, server] = await pair.open()
  let heard = 0
  server.addEventListener('message', ({ data }) => {
    heard += data.byteLength
    server.pause()
  })
  const bytes = 7 * windowBytes
  client.send(Buffer.alloc(bytes))
  let most = 0
  await eventually('all is heard', () => {
    most = Math.max(most, server.readBufferLength)
    if (server.readStatus === 'paused') server.resume()
    return heard === bytes || server.status !== 'open'
  })
  assert.equal(server.status, 'open')
  assert.ok(most <= windowBytes, `${most} octets were kept`)
})
