import assert from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { backendOf, eventually } from '@postern/test-kit'
import { demoOf } from './demo.ts'
import { octets } from './octets.ts'
import { watchMemory } from './proc.ts'
import { type Stalled, stalled } from './stalled.ts'

/** All of one address: fewer than the connections to a backend that one may hold. */
const slowReaders = 100
const downloadBytes = 50_000_000
const fastRequests = 500
const loops = 10
const mostMb = 300
/** How often in a row nothing may have moved, looking as often as `eventually` does, to say that nothing moves. */
const stillLooks = 50

test('readers that stop reading cost neither the quick ones an answer nor a node its memory, and leave nothing', async (t) => {
  let sent = 0
  let downloads = 0
  await using backend = await backendOf((request, response) => {
    if (request.url !== '/large') {
      response.end(`answer to ${request.url ?? ''}`)
      return
    }
    downloads += 1
    response.once('close', () => {
      downloads -= 1
    })
    response.writeHead(200, { 'content-length': downloadBytes })
    const counted = function* () {
      for (const piece of octets(downloadBytes)) {
        sent += piece.length
        yield piece
      }
    }
    pipeline(counted(), response).catch(() => response.destroy())
  })
  await using demo = await demoOf({ backend: backend.url })
  using memory = watchMemory(demo.nodes)
  using slow = new DisposableStack()
  const readers: Stalled[] = await Promise.all(
    Array.from({ length: slowReaders }, async () => slow.use(await stalled(demo.url, '/large'))),
  )
  for (const { head } of readers) assert.match(head, /^HTTP\/1\.1 200 /)
  let before = -1
  let looks = 0
  await eventually('the hidden API can send no more', () => {
    looks = sent === before ? looks + 1 : 0
    before = sent
    return looks >= stillLooks
  })
  assert.ok(sent < slowReaders * downloadBytes, 'the slow readers are stalled')

  const quick = async (loop: number) => {
    for (let number = 0; number < fastRequests / loops; number++) {
      const path = `/quick/${loop}/${number}`
      const answer = await fetch(new URL(path, demo.url))
      assert.deepEqual([answer.status, await answer.text()], [200, `answer to ${path}`])
    }
  }
  await Promise.all(Array.from({ length: loops }, (_, loop) => quick(loop)))
  assert.deepEqual(
    readers.filter(({ closed }) => closed),
    [],
    'the slow readers are still there',
  )
  const peaks = Object.entries(memory.peaksMb)
  const held = peaks.map(([name, mb]) => `${name} ${mb} MB`).join(', ')
  t.diagnostic(`${(sent / 1e6).toFixed(0)} MB taken from the hidden API; ${held}`)
  assert.deepEqual(
    peaks.filter(([, mb]) => mb > mostMb),
    [],
    `no node holds more than ${mostMb} MB`,
  )

  slow.dispose()
  await eventually('nothing is left of the slow readers', async () => {
    const statuses = await Promise.all(demo.nodes.map((node) => demo.status(node)))
    return (
      downloads === 0 &&
      statuses.every(({ egress, ingress }) => (egress?.exchanges ?? 0) + (ingress?.requests ?? 0) === 0)
    )
  })
})
