import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { closed, pooled, saying, serving, treating } from './backends.ts'
import { Recorder } from './recorder.ts'

const sized = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
const fine = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine'

/** What a request hears of a backend that treats its connection so. */
async function heardOf(treat: (socket: Socket) => void, answerMs = 10_000, idleMs = 10_000): Promise<string[]> {
  await using backend = await treating(treat)
  using one = pooled(backend, { idleMs })
  const carried = new Recorder({}, { answerMs })
  one.pool.request(carried)
  await carried.over
  await closed(backend.sockets[0])
  return carried.heard
}

/** Says the text to the first request, and then ends the connection so. */
function says(text: string, end: (socket: Socket) => void = () => {}) {
  return (socket: Socket) =>
    socket.once('data', () => {
      socket.write(text, 'latin1', () => end(socket))
    })
}
const ends = (socket: Socket) => socket.end()
const resets = (socket: Socket) => socket.resetAndDestroy()

suite('a backend that fails is said to have failed, and how', () => {
  test('it takes no connection', async () => {
    await using backend = await serving()
    using one = pooled(backend, { connections: 1 })
    await backend[Symbol.asyncDispose]()
    const carried = [new Recorder(), new Recorder()]
    for (const each of carried) one.pool.request(each)
    for (const each of carried) await each.over
    for (const each of carried) assert.deepEqual(each.heard, ['failed BACKEND_REFUSED'])
  })

  test('it takes a connection and closes it', async () => {
    for (const close of [ends, (socket: Socket) => socket.destroy()])
      assert.deepEqual(await heardOf(close), ['failed BACKEND_LOST'])
    for (const close of [ends, resets]) assert.deepEqual(await heardOf(says('', close)), ['failed BACKEND_LOST'])
  })

  test('it closes the connection before the head of its answer is whole', async () => {
    for (const text of ['', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'])
      assert.deepEqual(await heardOf(says(text, ends)), ['failed BACKEND_LOST'], text)
    const interim = await heardOf(says('HTTP/1.1 103 Early Hints\r\n\r\n', ends))
    assert.deepEqual(interim, ['response 103', 'failed BACKEND_LOST'])
  })

  test('it answers with nonsense', async () => {
    for (const text of ['nonsense\r\n\r\n', 'a'.repeat(40_000), `HTTP/1.1 101 Up\r\nupgrade: x\r\n\r\n`])
      assert.deepEqual(await heardOf(says(text)), ['failed BACKEND_INVALID'], text.slice(0, 20))
  })

  test('it never answers, or never to the end of a head', async () => {
    assert.deepEqual(await heardOf(() => {}, 20), ['failed BACKEND_TIMEOUT'])
    assert.deepEqual(await heardOf(says('HTTP/1.1 200 OK\r\n'), 200), ['failed BACKEND_TIMEOUT'])
    const interim = await heardOf(says('HTTP/1.1 103 Early Hints\r\n\r\n'), 200)
    assert.deepEqual(interim, ['response 103', 'failed BACKEND_TIMEOUT'])
  })

  test('its answer breaks off, or becomes nonsense', async () => {
    for (const [text, end] of [
      [`${sized}some`, ends],
      [`${chunked}4\r\nsome\r\n`, ends],
      [`${chunked}4\r\nsome`, ends],
      [`${chunked}4\r\nsome\r\nnonsense\r\n`, () => {}],
      [`${chunked}4\r\nsome!\r\n`, () => {}],
    ] as const) {
      const heard = await heardOf(says(text, end))
      assert.deepEqual(heard, ['response 200', 'data some', 'failed ABORTED'], text)
    }
  })

  test('its answer stops in the middle', async () => {
    const heard = await heardOf(says(`${sized}some`), 10_000, 20)
    assert.deepEqual(heard, ['response 200', 'data some', 'failed ABORTED'])
  })

  test('it resets the connection whose end would have been the end of the answer', async () => {
    await using backend = await treating((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nx')),
    )
    using one = pooled(backend)
    const carried = new Recorder()
    one.pool.request(carried)
    await carried.answered
    backend.sockets[0]?.resetAndDestroy()
    await carried.over
    assert.deepEqual(carried.heard, ['response 200', 'data x', 'failed ABORTED'])
  })
})

test('content until the connection closes ends with it', async () => {
  const heard = await heardOf(says('HTTP/1.0 200 OK\r\n\r\nuntil the end', ends))
  assert.deepEqual(heard, ['response 200', 'data until the end', 'end'])
})

test('interim answers, chunks and trailer fields are passed on', async () => {
  const text = `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${chunked}2\r\nok\r\n0\r\nx-sum: 42\r\n\r\n`
  await using backend = await saying([text])
  using one = pooled(backend)
  const carried = new Recorder()
  one.pool.request(carried)
  await carried.over
  assert.deepEqual(carried.heard, ['response 103', 'response 200', 'data ok', 'end x-sum 42'])
})

test('content reaches the backend as it was sent, of a length and in chunks, and the connection is used again', async () => {
  await using backend = await serving()
  using one = pooled(backend)
  for (const fields of [['content-length', '11'], []]) {
    const carried = new Recorder({ method: 'POST', end: false, fields })
    one.pool.request(carried)
    const connection = await carried.carrier
    for (const piece of ['hello', ' ', 'world']) assert.equal(connection.write(Buffer.from(piece)), true)
    connection.end(fields.length > 0 ? [] : ['x-sum', '42'])
    const { request, response } = await backend.next()
    const content = Buffer.concat((await request.toArray()) as Buffer[]).toString()
    assert.equal(content, 'hello world')
    assert.deepEqual(request.rawTrailers, fields.length > 0 ? [] : ['x-sum', '42'])
    response.end('fine')
    await carried.over
    assert.deepEqual(carried.heard, ['response 200', 'data fine', 'end'])
  }
  assert.equal(backend.sockets.length, 1)
})

test('more or less content than was announced fails the request and ends the connection', async () => {
  for (const [pieces, head] of [
    [['hello', '!'], { end: false, fields: ['content-length', '5'] }],
    [['hello!'], { end: false, fields: ['content-length', '5'] }],
    [['hell'], { end: false, fields: ['content-length', '5'] }],
    [[], { end: false, fields: ['content-length', '5'] }],
    [['x'], { end: true }],
  ] as const) {
    await using backend = await treating(() => {})
    using one = pooled(backend)
    const carried = new Recorder({ method: 'POST', ...head })
    one.pool.request(carried)
    const connection = await carried.carrier
    for (const piece of pieces) assert.equal(connection.write(Buffer.from(piece)), true)
    connection.end([])
    assert.deepEqual(carried.heard, ['failed MALFORMED_REQUEST'])
    assert.equal(connection.usable, false)
  }
})

test('a request that is given up hears nothing more, and its connection carries no other', async () => {
  await using backend = await saying([`${sized}some`], [fine])
  using one = pooled(backend, { connections: 1 })
  const [given, next] = [new Recorder(), new Recorder()]
  for (const each of [given, next]) one.pool.request(each)
  await given.answered
  const connection = await given.carrier
  connection.abort()
  await next.over
  await closed(backend.sockets[0])
  assert.deepEqual(given.heard, ['response 200', 'data some'])
  assert.deepEqual(next.heard, ['response 200', 'data fine', 'end'])
})

test('a connection that is paused gives no content, is not timed, and goes on when it is resumed', async () => {
  const size = 8_000_000
  await using backend = await treating((socket, number) => {
    if (number === 0) says(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`)(socket)
  })
  using one = pooled(backend, { idleMs: 200 })
  const carried = new Recorder({}, { pauses: true })
  one.pool.request(carried)
  await carried.answered
  const connection = await carried.carrier
  const { bytes } = carried
  // Another request's time runs out meanwhile, at a sweep that looks at both.
  const other = new Recorder({}, { answerMs: 200 })
  one.pool.request(other)
  await other.over
  assert.deepEqual([carried.bytes, carried.heard.length], [bytes, 2])
  assert.ok(bytes < size)
  while (carried.bytes < size) {
    connection.resume()
    await new Promise(setImmediate)
  }
  await carried.over
  assert.deepEqual([carried.bytes, carried.heard.at(-1)], [size, 'end'])
})

test('a backend that does not read is waited for, and the writer told when it does', async () => {
  await using backend = await treating((socket) => socket.pause())
  using one = pooled(backend)
  const carried = new Recorder({ method: 'POST', end: false })
  one.pool.request(carried)
  const connection = await carried.carrier
  const piece = Buffer.alloc(1_000_000)
  while (connection.write(piece)) await new Promise(setImmediate)
  backend.sockets[0]?.resume()
  await carried.writable
  assert.equal(connection.write(Buffer.from('x')), true)
})

test('an upgrade makes the connection a tunnel, octets behind the head included, and room for another', async () => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
  for (const early of ['ping', '']) {
    const answered = Promise.withResolvers<string>()
    await using backend = await treating((socket, number) => {
      says(number === 0 ? head + early : fine)(socket)
      socket.once('data', () => socket.once('data', (octets) => answered.resolve(String(octets))))
    })
    using one = pooled(backend, { connections: 1 })
    const [carried, next] = [new Recorder({ upgrade: true, fields: ['upgrade', 'x'] }), new Recorder()]
    for (const each of [carried, next]) one.pool.request(each)
    await next.over
    assert.deepEqual([carried.heard, next.heard.at(-1)], [['tunnel 101'], 'end'])
    one.pool.close()
    if (early === '') backend.sockets[0]?.write('ping')
    assert.equal(String(await carried.tunnelled), 'ping')
    assert.equal(await answered.promise, 'pong')
  }
})
