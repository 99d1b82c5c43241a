import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { egressSchema } from '@postern/egress'
import { ingressSchema, startIngress } from '@postern/ingress'
import { Counters } from '@postern/observe'
import { noMeter, silentLog, type Trunk } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import { eventually } from '@postern/test-kit'
import { Hand } from '../src/workers/hand.ts'
import { SpreadEgress } from '../src/workers/spread-egress.ts'

test('a worker hears what a caller may call now, and an egress is down where one of them says so', async () => {
  await using stack = new AsyncDisposableStack()
  const backend = stack.adopt(
    createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1'),
    (server) => void server.close(),
  )
  await new Promise((resolve) => backend.once('listening', resolve))
  const origin = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`
  const config = egressSchema.parse({
    services: { api: { backends: [origin], expose: [{ methods: ['*'], path: '/**' }] } },
  })
  const log = { level: 'silent', node: 'n', fd: 2 } as const
  const counters = new Counters()
  const start = () => Hand.start({ data: { egress: config, log }, meter: counters })
  const hands = [stack.adopt(await start(), (hand) => hand.end()), stack.adopt(await start(), (hand) => hand.end())]
  const egress = stack.adopt(new SpreadEgress(config, hands), (each) => each.close())

  let services: readonly string[] = []
  const [pipe, far] = pipePair()
  egress.accept(far, {
    peer: 'p',
    name: 'n',
    get services() {
      return services
    },
  })
  const trunk: Trunk = { egress: 'e', services: ['*'], path: ['e'], pipe, retire() {} }
  const ingress = stack.adopt(
    await startIngress({
      config: ingressSchema.parse({ listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] }),
      trunks: { get: () => trunk },
      log: silentLog,
      meter: noMeter,
    }),
    (each) => each.close(),
  )
  const status = async () => (await fetch(ingress.urls[0] ?? '')).status
  assert.equal(await status(), 403)
  services = ['api']
  await eventually('it may call', async () => (await status()) === 200, 2000)
  services = ['other']
  await eventually('it may not any more', async () => (await status()) === 403, 2000)
  services = ['*']
  await eventually('it may again', async () => (await status()) === 200, 2000)

  assert.deepEqual(egress.describe(), [{ service: 'api', backends: [{ origin, up: true }] }])
  backend.close()
  backend.closeAllConnections()
  assert.equal(await status(), 502)
  await eventually(
    'the backend is down',
    () => egress.describe().every(({ backends }) => backends.every(({ up }) => !up)),
    2000,
  )
  await eventually('all is counted', () => (counters.snapshot()['exchanges_failed{BACKEND_REFUSED}'] ?? 0) > 0)
  assert.equal(egress.exchanges, 0)
})
