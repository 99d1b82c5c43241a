import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { splice } from '../src/circuit/splice.ts'
import { collect, linkedPair, sendAll } from './streams.ts'

async function spliced(idleMs = 60_000, waitMs = (_bytes: number) => 0, upgradeMs = 60_000) {
  const left = await linkedPair()
  const right = await linkedPair()
  const [client, inbound] = await left.open()
  const [outbound, server] = await right.open()
  let passed = 0
  const over = splice(inbound, outbound, {
    idleMs,
    upgradeMs,
    passed(bytes) {
      passed += bytes
      return waitMs(bytes)
    },
  })
  return {
    client,
    inbound,
    outbound,
    server,
    over,
    passed: () => passed,
    async [Symbol.asyncDispose]() {
      await Promise.all([left[Symbol.asyncDispose](), right[Symbol.asyncDispose]()])
    },
  }
}

test('octets pass both ways, each end is passed on, and then nothing is left', async () => {
  await using parts = await spliced()
  const { client, over, passed, server } = parts
  const question = randomBytes(3_000_000)
  const heard = collect(server)
  const answered = collect(client)
  await sendAll(client, [question.subarray(0, 1_000_000), question.subarray(1_000_000)])
  assert.ok((await heard).equals(question))
  await sendAll(server, [Buffer.from('after the half-close')])
  assert.equal((await answered).toString(), 'after the half-close')
  await over
  assert.equal(passed(), question.length + 20)
})

test('a side that does not read holds the other back within the windows of the streams', async () => {
  await using parts = await spliced()
  const { client, inbound, outbound, server } = parts
  server.pause()
  const chunk = Buffer.alloc(64 * 1024)
  let sent = 0
  while (sent < 64 * 1024 * 1024 && client.send(chunk)) {
    sent += chunk.length
    await new Promise(setImmediate)
  }
  assert.ok(sent < 16 * 1024 * 1024, `${sent} octets were taken`)
  assert.ok(inbound.readBufferLength + outbound.writeBufferLength < 8 * 1024 * 1024)
  const heard = collect(server)
  server.resume()
  await client.close()
  assert.ok((await heard).length >= sent)
})

test('a reset of one side resets the other', async () => {
  for (const end of ['client', 'server'] as const) {
    await using parts = await spliced()
    const other = end === 'client' ? parts.server : parts.client
    const closed = new Promise<Event & { error?: Error }>((resolve) => other.addEventListener('close', resolve))
    parts[end].abort(new Error('gone'))
    assert.ok((await closed).error)
    await parts.over
  }
})

test('streams are over with the one that was over before they were joined', async () => {
  for (const end of ['inbound', 'outbound'] as const) {
    await using left = await linkedPair()
    await using right = await linkedPair()
    const [client, inbound] = await left.open()
    const [outbound, server] = await right.open()
    const ends = { inbound, outbound }
    ends[end].abort(new Error('gone'))
    await splice(inbound, outbound, { idleMs: 60_000, upgradeMs: 60_000, passed: () => 0 })
    await eventually('both far ends are over', () => client.status !== 'open' && server.status !== 'open')
  }
})

test('an end that came before the streams were joined is passed on', async () => {
  await using left = await linkedPair()
  await using right = await linkedPair()
  const [client, inbound] = await left.open()
  const [outbound, server] = await right.open()
  await client.close()
  await eventually('the end has come', () => inbound.readableEnded)
  const heard = collect(server)
  const over = splice(inbound, outbound, { idleMs: 60_000, upgradeMs: 60_000, passed: () => 0 })
  assert.equal((await heard).length, 0)
  await server.close()
  await over
})

test('a circuit on which nothing is heard is ended', async () => {
  await using parts = await spliced(20)
  await parts.over
})

test('a circuit that becomes no connection is ended, however busy it is one way, and one that becomes one goes on', async () => {
  await using idle = await spliced(60_000, undefined, 20)
  idle.client.send(Buffer.alloc(100_000))
  await idle.over
  await using left = await linkedPair()
  await using right = await linkedPair()
  const [client, inbound] = await left.open()
  const [outbound, server] = await right.open()
  client.send(Buffer.alloc(600))
  server.send(Buffer.alloc(600))
  await eventually('both have come', () => inbound.readBufferLength === 600 && outbound.readBufferLength === 600)
  const upgraded = splice(inbound, outbound, { idleMs: 60_000, upgradeMs: 500, passed: () => 0 })
  // Its timer is set after that of the other, and goes off after it.
  await using later = await spliced(60_000, undefined, 500)
  const over = [upgraded.then(() => 'the upgraded one'), later.over.then(() => 'the other')]
  assert.equal(await Promise.race(over), 'the other')
  assert.equal(client.status, 'open')
})

test('octets beyond a rate wait in the windows of the streams', async () => {
  const bytesPerMs = 20_000
  let owedUntil = 0
  await using parts = await spliced(60_000, (bytes) => {
    owedUntil = Math.max(performance.now(), owedUntil) + bytes / bytesPerMs
    return owedUntil - performance.now()
  })
  const { client, inbound, outbound, server } = parts
  const heard = collect(server)
  const started = performance.now()
  await sendAll(
    client,
    Array.from({ length: 32 }, () => Buffer.alloc(256 * 1024)),
  )
  assert.ok(inbound.readBufferLength + outbound.writeBufferLength < 4 * 1024 * 1024)
  assert.equal((await heard).length, 32 * 256 * 1024)
  assert.ok(performance.now() - started > (28 * 256 * 1024) / bytesPerMs)
})

test('a circuit that is held back is not idle', async () => {
  const waits = [500]
  await using parts = await spliced(150, () => waits.shift() ?? 0)
  const heard = collect(parts.server)
  await sendAll(parts.client, [Buffer.from('first'), Buffer.alloc(1_000_000)])
  assert.equal((await heard).length, 1_000_005)
})
