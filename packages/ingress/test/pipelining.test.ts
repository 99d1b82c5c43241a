import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { type Pipelined, pipeliningOf } from '../src/pipelining.ts'

const most = 2
/** How often in a row nothing may have come, looking as often as `eventually` does, to say that nothing comes. */
const stillLooks = 30

test('a connection is not read while its requests wait, however many are sent', async () => {
  let arrived = 0
  const answers: ServerResponse[] = []
  const server = createServer((request, response) => {
    arrived += 1
    const pipelining = pipeliningOf(request.socket, most)
    const pipelined: Pipelined = { start: () => answers.push(response), gone: () => pipelining.leave(pipelined) }
    response.on('close', () => pipelined.gone())
    pipelining.enter(pipelined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {}).resume()
  const count = 1_000_000
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(count))
  let before = -1
  let looks = 0
  await eventually('no more requests come', () => {
    looks = arrived > 0 && arrived === before ? looks + 1 : 0
    before = arrived
    return looks >= stillLooks
  })
  assert.ok(arrived < count / 100, `${arrived} requests have come`)
  assert.equal(answers.length, most)
  let answered = 0
  await eventually('all that have come are answered, and more come then', () => {
    for (const response of answers.splice(0)) {
      response.end()
      answered += 1
    }
    return answered > before
  })
  client.destroy()
  server.close()
  server.closeAllConnections()
})
