import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defaultLimits, Machine } from '@postern/exchange'
import { noMeter, type PipeReader, silentLog, systemClock } from '@postern/protocol'
import { createEgress, egressSchema } from '../src/index.ts'
import { requestHead } from './heads.ts'

const MiB = 1024 * 1024

test('a hundred trunks whose ingress opens exchanges and reads nothing leave an egress under 400 MB', async () => {
  // One answer for all: the backend runs in this process too.
  const answer = Buffer.alloc(MiB)
  const server = createServer((_request, response) => response.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => void server.close())
  stack.defer(() => server.closeAllConnections())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const offered = { backends: [`http://127.0.0.1:${port}`], expose: [{ methods: ['*'], path: '/**' }] }
  const config = egressSchema.parse({ services: { api: { ...offered, requestBufferBytes: 65_536 } } })
  let shed = 0
  const meter = { ...noMeter, count: (name: string) => void (name === 'exchanges_shed' && (shed += 1)) }
  const egress = createEgress({ config, clock: systemClock, log: silentLog, meter })
  stack.defer(() => egress.close())
  const readers: PipeReader[] = []
  const nothing = () => {}
  const trunks = Array.from({ length: 100 }, () => {
    const pipe = {
      read: (reader: PipeReader) => void readers.push(reader),
      // Whatever is answered is not taken.
      send: () => false,
      pause: nothing,
      resume: nothing,
      close: nothing,
      abort: nothing,
    }
    egress.accept(pipe, { peer: 'ingress', name: 'ingress', services: ['api'] })
    const events = { request: nothing, interim: nothing, response: nothing, body: nothing, end: nothing, over: nothing }
    const more = {
      reset: nothing,
      writable: nothing,
      goaway: nothing,
      pong: nothing,
      violation: nothing,
      wake: nothing,
    }
    return new Machine('initiator', { ...events, ...more }, defaultLimits)
  })
  for (let round = 0; round < 200; round++) {
    for (const [at, machine] of trunks.entries()) {
      const fields = ['content-length', '70000', 'x', 'y'.repeat(1000)]
      const id = machine.request(requestHead({ method: 'POST', fields, end: false }))
      machine.write(id, Buffer.alloc(60_000, 1))
      machine.request(requestHead({ method: 'GET', target: '/big' }))
      for (const chunk of machine.pull(Number.POSITIVE_INFINITY)) readers[at]?.data(chunk)
    }
    await new Promise(setImmediate)
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let times = 0; times < 4; times++) {
    collect()
    await new Promise(setImmediate)
  }
  // What the process has of the system beside that is what the collector has not given back yet.
  const { external, heapTotal } = process.memoryUsage()
  const held = external + heapTotal
  assert.ok(shed > 1000, `${shed} were given up of what would be more than a gigabyte`)
  assert.ok(held < 400_000_000, `${Math.round(held / 1e6)} MB are held`)
})
