import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closed, pooled, saying, serving, treating } from './backends.ts'
import { Recorder } from './recorder.ts'

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const fine = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine'
const heardOk = ['response 200', 'data ok', 'end']
const heardFine = ['response 200', 'data fine', 'end']

test('one connection carries one request after another, whatever their methods', async () => {
  await using backend = await serving()
  using pooledOne = pooled(backend)
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const carried = new Recorder({ method, target: `/${method}` })
    pooledOne.pool.request(carried)
    const { request, response } = await backend.next()
    assert.deepEqual([request.method, request.url, request.headers.host], [method, `/${method}`, 'api.example'])
    response.writeHead(200, { 'content-length': 2 }).end('ok')
    await carried.over
    assert.deepEqual(carried.heard, heardOk)
  }
  assert.equal(backend.sockets.length, 1)
})

test('content where an answer has none is not read as the answer to the next request', async () => {
  const stray = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray'
  const announced = `content-length: ${stray.length}\r\n\r\n`
  const websocket = { upgrade: true, fields: ['upgrade', 'websocket'] }
  for (const [head, answer] of [
    [{ method: 'HEAD' }, `HTTP/1.1 200 OK\r\n${announced}`],
    [{ method: 'HEAD' }, 'HTTP/1.1 200 OK\r\n\r\n'],
    [{}, `HTTP/1.1 204 No Content\r\n${announced}`],
    [{}, 'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n'],
    [{}, `HTTP/1.1 304 Not Modified\r\n${announced}`],
    [websocket, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ] as const) {
    // The content comes only when the next request is there, so that nothing arrives while the connection is idle.
    await using backend = await saying([answer, stray], [fine])
    using kept = pooled(backend, { connections: 1 })
    const [first, second] = [new Recorder(head), new Recorder()]
    kept.pool.request(first)
    await first.over
    kept.pool.request(second)
    await second.over
    assert.deepEqual(second.heard, heardFine, answer)
    await closed(backend.sockets[0])
  }
})

test('a connection is used again after an answer that can have no content and announces none', async () => {
  await using backend = await saying(['HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\n\r\n', ok])
  using kept = pooled(backend, { connections: 1 })
  for (const heard of [['response 204', 'end'], ['response 304', 'end'], heardOk]) {
    const carried = new Recorder()
    kept.pool.request(carried)
    await carried.over
    assert.deepEqual(carried.heard, heard)
  }
  assert.equal(backend.sockets.length, 1)
})

test('there are no more connections than allowed, and the requests beyond wait in their order', async () => {
  await using backend = await serving()
  using two = pooled(backend, { connections: 2 })
  const carried = Array.from({ length: 6 }, (_, at) => new Recorder({ target: `/${at}` }))
  for (const each of carried) two.pool.request(each)
  let [first, second] = [await backend.next(), await backend.next()]
  assert.deepEqual(new Set([first.request.url, second.request.url]), new Set(['/0', '/1']))
  for (const next of ['/2', '/3', '/4', '/5']) {
    first.response.end('ok')
    ;[first, second] = [second, await backend.next()]
    assert.equal(second.request.url, next)
  }
  first.response.end('ok')
  second.response.end('ok')
  for (const each of carried) await each.over
  for (const each of carried) assert.deepEqual(each.heard, heardOk)
  assert.equal(backend.sockets.length, 2)
})

test('a connection that is over makes room for a request that waits', async () => {
  await using backend = await saying([ok.replace('\r\n', '\r\nconnection: close\r\n')], [fine])
  using one = pooled(backend, { connections: 1 })
  const [first, second] = [new Recorder(), new Recorder()]
  for (const each of [first, second]) one.pool.request(each)
  await second.over
  assert.deepEqual([first.heard, second.heard], [heardOk, heardFine])
  assert.equal(backend.sockets.length, 2)
})

test('the connection used last is used first', async () => {
  await using backend = await serving()
  using two = pooled(backend)
  const carried = [new Recorder({ target: '/0' }), new Recorder({ target: '/1' })]
  for (const each of carried) two.pool.request(each)
  const arrived = [await backend.next(), await backend.next()]
  for (const { request, response } of arrived) {
    response.end('ok')
    await carried[Number(request.url?.slice(1))]?.over
  }
  for (let turn = 0; turn < 3; turn++) {
    const again = new Recorder()
    two.pool.request(again)
    const { request, response } = await backend.next()
    assert.ok(request.socket === arrived[1]?.request.socket)
    response.end('ok')
    await again.over
  }
  assert.equal(backend.sockets.length, 2)
})

test('a kept connection that the backend closes is not used again', async () => {
  await using backend = await saying([ok], [fine])
  using kept = pooled(backend, { connections: 1 })
  const [first, second] = [new Recorder(), new Recorder()]
  kept.pool.request(first)
  await first.over
  backend.sockets[0]?.end()
  await closed(backend.sockets[0])
  kept.pool.request(second)
  await second.over
  assert.deepEqual([first.heard, second.heard], [heardOk, heardFine])
})

test('a connection is kept no longer than the backend says, less a margin', async () => {
  const keepAlive = (seconds: number) => ok.replace('\r\n', `\r\nKeep-Alive: max=9, timeout=${seconds}\r\n`)
  await using backend = await saying([keepAlive(100), keepAlive(1)], [fine])
  using kept = pooled(backend)
  const [first, second, third] = [new Recorder(), new Recorder(), new Recorder()]
  kept.pool.request(first)
  await first.over
  kept.pool.request(second)
  await second.over
  assert.equal(backend.sockets.length, 1)
  await closed(backend.sockets[0])
  kept.pool.request(third)
  await third.over
  assert.deepEqual(third.heard, heardFine)
  assert.equal(backend.sockets.length, 2)
})

test('a connection that was paused at the end of an answer is kept no longer than the backend says', async () => {
  await using backend = await saying([ok.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')])
  using kept = pooled(backend)
  const carried = new Recorder({}, { pauses: true })
  kept.pool.request(carried)
  await carried.over
  assert.deepEqual(carried.heard, heardOk)
  await closed(backend.sockets[0])
})

test('octets behind an answer end the connection, and are no answer to the next request', async () => {
  const stray = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray'
  for (const behind of [stray, '\r\n', 'x']) {
    await using backend = await saying([ok + behind], [fine])
    using kept = pooled(backend, { connections: 1 })
    const [first, second] = [new Recorder(), new Recorder()]
    for (const each of [first, second]) kept.pool.request(each)
    await second.over
    assert.deepEqual([first.heard, second.heard], [heardOk, heardFine])
    await closed(backend.sockets[0])
    assert.equal(backend.sockets.length, 2)
  }
})

test('octets behind an answer that was not read on are no answer to the next request', async () => {
  // The answer fills what a connection reads at a time, so that the octets behind it are left in the socket.
  const readBytes = 32 * 1024
  const head = (length: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`
  const length = readBytes - head(readBytes).length
  const stray = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray'
  await using backend = await saying([head(length) + 'x'.repeat(length) + stray], [fine])
  using kept = pooled(backend, { connections: 1 })
  const [first, second] = [new Recorder({}, { pauses: true }), new Recorder()]
  for (const each of [first, second]) kept.pool.request(each)
  await second.over
  assert.equal(first.bytes, length)
  assert.deepEqual(second.heard, heardFine)
  await closed(backend.sockets[0])
})

test('octets that arrive while nobody waits for any end the connection', async () => {
  await using backend = await saying([ok], [fine])
  using kept = pooled(backend, { connections: 1 })
  const [first, second] = [new Recorder(), new Recorder()]
  kept.pool.request(first)
  await first.over
  backend.sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray')
  await closed(backend.sockets[0])
  kept.pool.request(second)
  await second.over
  assert.deepEqual([first.heard, second.heard], [heardOk, heardFine])
})

test('an answer before all of the content was sent is passed on, and its connection carries nothing more', async () => {
  const refusal = 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno'
  for (const fields of [[], ['content-length', '100']]) {
    await using backend = await saying([refusal], [fine])
    using one = pooled(backend, { connections: 1 })
    const [early, next] = [new Recorder({ method: 'POST', end: false, fields }), new Recorder()]
    for (const each of [early, next]) one.pool.request(each)
    const connection = await early.carrier
    connection.write(Buffer.from('some'))
    await early.over
    assert.deepEqual(early.heard, ['response 413', 'data no', 'end'])
    await next.over
    assert.deepEqual(next.heard, heardFine)
    connection.write(Buffer.from('more'))
    connection.end([])
    assert.deepEqual(early.heard, ['response 413', 'data no', 'end'])
    assert.equal(backend.sockets.length, 2)
  }
})

test('a request that is forgotten while it waits hears nothing, and those behind it go on', async () => {
  await using backend = await serving()
  using one = pooled(backend, { connections: 1 })
  const [first, forgotten, last] = [new Recorder(), new Recorder({ target: '/forgotten' }), new Recorder()]
  for (const each of [first, forgotten, last]) one.pool.request(each)
  const { response } = await backend.next()
  assert.equal(one.pool.forget(forgotten), true)
  assert.equal(one.pool.forget(forgotten), false)
  assert.equal(one.pool.forget(first), false)
  response.end('ok')
  const { request, response: second } = await backend.next()
  assert.equal(request.url, '/')
  second.end('ok')
  await last.over
  assert.deepEqual([first.heard, forgotten.heard, last.heard], [heardOk, [], heardOk])
})

test('a request waits for a connection no longer than for its answer', async () => {
  await using backend = await serving()
  using one = pooled(backend, { connections: 1 })
  const [first, late] = [new Recorder(), new Recorder({}, { answerMs: 20 })]
  for (const each of [first, late]) one.pool.request(each)
  const { response } = await backend.next()
  await late.over
  assert.deepEqual(late.heard, ['failed BACKEND_TIMEOUT'])
  response.end('ok')
  await first.over
  assert.deepEqual(first.heard, heardOk)
})

test('a pool that closes ends its connections and fails those that wait', async () => {
  await using backend = await serving()
  using one = pooled(backend, { connections: 1 })
  const carried = [new Recorder(), new Recorder(), new Recorder()]
  for (const each of carried) one.pool.request(each)
  await backend.next()
  one.pool.close()
  assert.deepEqual(
    carried.map(({ heard }) => heard),
    [[], ['failed BACKEND_LOST'], ['failed BACKEND_LOST']],
  )
  await closed(backend.sockets[0])
})

test('a pool that closes while it connects fails those that wait', async () => {
  await using backend = await treating(() => {})
  using one = pooled(backend)
  const carried = new Recorder()
  one.pool.request(carried)
  one.pool.close()
  assert.deepEqual(carried.heard, ['failed BACKEND_LOST'])
})

test('a closed pool fails every request', async () => {
  await using backend = await saying([ok])
  using one = pooled(backend)
  one.pool.close()
  const carried = new Recorder()
  one.pool.request(carried)
  assert.deepEqual(carried.heard, ['failed BACKEND_LOST'])
})
