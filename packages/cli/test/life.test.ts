import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { backendOf, eventually } from '@postern/test-kit'
import { type Ended, freePort, postern, running } from './process.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'postern-life-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const escape = '\u001b['

async function run(line: string): Promise<Ended> {
  const ended = await postern(line.split(' '), { cwd })
  assert.equal(ended.code, 0, `postern ${line}: ${ended.stderr}`)
  assert.equal(ended.stderr, '', `postern ${line}`)
  return ended
}

const ask = async (line: string): Promise<unknown> => JSON.parse((await run(`${line} --json`)).stdout)
const up = (line: string) => running(line.split(' '), { cwd })

/** Founds a mesh with a relay at a port that is free, an egress and an ingress; the port. */
async function found(service: string): Promise<number> {
  const port = await freePort()
  await run('mesh create acme --dir authority')
  const issue = 'mesh issue --authority authority'
  await run(`${issue} --role relay --name relay-1 --bootstrap /ip4/127.0.0.1/tcp/${port} --out relay-1`)
  await Promise.all(
    ['egress', 'ingress'].map((role) =>
      run(`${issue} --role ${role} --service ${service} --name ${role}-1 --out ${role}-1`),
    ),
  )
  return port
}

/** Asks a node by its socket. */
const at = (name: string) => `--socket ${join(name, 'state', 'admin.sock')}`

/** Waits until the node of the folder says that it can do its work. */
async function ready(folder: string): Promise<void> {
  const line = `status --ready ${at(folder)}`.split(' ')
  await eventually(`${folder} is ready`, async () => (await postern(line, { cwd })).code === 0)
}

test('from nothing to a hidden API by command lines, and back to nothing', async () => {
  await using backend = await backendOf((request, response) => response.end(`${request.method} ${request.url}`))
  const port = await found('billing')
  const settings = {
    'relay-1': `--config relay-1/postern.yaml --set relay.listen=[/ip4/127.0.0.1/tcp/${port}]`,
    'egress-1': `--config egress-1/postern.yaml --set egress.services.billing.backends=[${backend.url}]`,
    'ingress-1':
      '--config ingress-1/postern.yaml --set ingress.path.relays=1 --set ingress.listen.0.url=http://127.0.0.1:0',
  }
  const checks = Object.entries(settings).map(async ([name, config]) => {
    const { stdout } = await run(`check ${config}`)
    assert.match(stdout, new RegExp(`${name}/postern.yaml is right\n(.*\n)*  name +${name}\n`))
  })
  await Promise.all(checks)
  assert.equal(((await ask(`check ${settings['egress-1']}`)) as { ok: boolean }).ok, true)

  await using relay = await up(`up ${settings['relay-1']}`)
  await using egress = await up(`up ${settings['egress-1']}`)
  await using ingress = await up(`up ${settings['ingress-1']}`)
  await Promise.all(Object.keys(settings).map(ready))

  const url = ingress.status.ingress?.urls[0] ?? ''
  const response = await fetch(`${url}/v1/invoices`)
  assert.equal(await response.text(), 'GET /v1/invoices')
  assert.equal(response.status, 200)
  assert.equal((await fetch(url, { method: 'POST' })).status, 404)
  assert.equal(backend.requests, 1)
  await asksAll()
  assert.match((await run('status --config ingress-1/postern.yaml')).stdout, /calls +billing: 1 egresses/)

  for (const node of [ingress, egress, relay]) assert.equal(await node.end(), 0, node.status.name)
  await assert.rejects(fetch(url))
  assert.equal((await postern(['status', '--config', 'relay-1/postern.yaml'], { cwd })).code, 3)
})

/** What the operator of each of the three nodes is told, for people and as JSON. */
async function asksAll(): Promise<void> {
  const three = ['relay-1', 'egress-1', 'ingress-1'].map(async (name) => {
    const { stdout } = await run(`status ${at(name)}`)
    assert.match(stdout, new RegExp(`name +${name}`))
    assert.ok(!stdout.includes(escape))
    assert.equal(((await ask(`status ${at(name)}`)) as { name: string }).name, name)
    const peers = /^NAME +ROLES +OVER +DIRECTION +CIRCUITS +RELAYED +PEER\n(\S+ +\S+ +(link|circuit) )/
    assert.match((await run(`peers ${at(name)}`)).stdout, peers)
  })
  await Promise.all(three)
  const peers = (await ask(`peers ${at('relay-1')}`)) as Array<{ name: string }>
  assert.deepEqual([...new Set(peers.map(({ name }) => name))].toSorted(), ['egress-1', 'ingress-1'])

  assert.match((await run(`services ${at('egress-1')}`)).stdout, /billing +offered +http:\/\/127\.0\.0\.1:\d+ +up/)
  assert.match((await run(`services ${at('ingress-1')}`)).stdout, /billing +called +egress …\w+ +\d+ trunks/)
  const { called } = (await ask(`services ${at('ingress-1')}`)) as { called: Array<{ service: string }> }
  assert.deepEqual(
    called.map(({ service }) => service),
    ['billing'],
  )

  const trace = `trace billing ${at('ingress-1')}`
  assert.match((await run(trace)).stdout, /^HOP.*\nguard relay +\+[\d.]+ ms .*\negress +\+[\d.]+ ms .*\n$/)
  const steps = (await ask(trace)) as Array<{ hop: string; roundTripMs: number; addedMs: number }>
  assert.deepEqual(
    steps.map(({ hop }) => hop),
    ['guard relay', 'egress'],
  )
  for (const { addedMs, roundTripMs } of steps) assert.ok(addedMs >= 0 && roundTripMs >= addedMs)
}

test('expose and open make a working pair, with no config written', async () => {
  await using backend = await backendOf((request, response) => response.end(`${request.method} ${request.url}`))
  const port = await found('api')
  await using relay = await up(`up --config relay-1/postern.yaml --set relay.listen=[/ip4/127.0.0.1/tcp/${port}]`)
  await using egress = await up(`expose api ${backend.url} --dir egress-1 --method GET --method POST --path /v1/**`)
  await using ingress = await up('open api --dir ingress-1 --relays 1 --listen 127.0.0.1:0')
  await ready('ingress-1')

  const url = ingress.status.ingress?.urls[0] ?? ''
  assert.equal(await (await fetch(`${url}/v1/x`, { method: 'POST', body: 'x' })).text(), 'POST /v1/x')
  for (const [method, path] of [
    ['DELETE', '/v1/x'],
    ['GET', '/v2'],
  ] as const)
    assert.equal((await fetch(`${url}${path}`, { method })).status, 404)
  assert.equal(backend.requests, 1)
  assert.equal(await ingress.end('SIGINT'), 0)
  assert.equal(await egress.end('SIGINT'), 0)
  assert.equal(await relay.end('SIGINT'), 0)
})

for (const workers of [0, 2]) {
  test(`a request under way when its node is told to stop is answered first, with ${workers} workers`, async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    await using backend = await backendOf((_request, response) => void held.then(() => response.end('in the end')))
    const port = await found('api')
    await using relay = await up(`up --config relay-1/postern.yaml --set relay.listen=[/ip4/127.0.0.1/tcp/${port}]`)
    await using egress = await up(
      `up --config egress-1/postern.yaml --set workers=${workers} --set egress.services.api.backends=[${backend.url}]`,
    )
    await using ingress = await up(
      `up --config ingress-1/postern.yaml --set workers=${workers} --set ingress.path.relays=1 --set ingress.listen.0.url=http://127.0.0.1:0`,
    )
    await ready('ingress-1')
    const answer = fetch(ingress.status.ingress?.urls[0] ?? '')
    await eventually('the request is at the backend', () => backend.requests === 1)
    const ends = [egress.end(), ingress.end()]
    await eventually('the ingress takes nothing new', () =>
      fetch(ingress.status.ingress?.urls[0] ?? '', { signal: AbortSignal.timeout(1000) }).then(
        () => false,
        () => true,
      ),
    )
    letGo()
    assert.equal(await (await answer).text(), 'in the end')
    assert.deepEqual(await Promise.all(ends), [0, 0])
    assert.equal(await relay.end(), 0)
  })
}

test('a relay whose port is taken does not come up, and says why', async () => {
  const port = await found('api')
  const line = `up --config relay-1/postern.yaml --set relay.listen=[/ip4/127.0.0.1/tcp/${port}]`
  await using taken = await backendOf(() => {})
  const { code, stderr } = await postern(line.replace(String(port), String(taken.port)).split(' '), { cwd })
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`ADDRESS_IN_USE .*${taken.port}`))
  await using first = await up(line)
  const second = await postern(line.split(' '), { cwd })
  assert.equal(second.code, 1)
  assert.match(second.stderr, /ADDRESS_IN_USE/)
  assert.doesNotMatch(second.stderr, /\n {4}at /)
  assert.equal(await first.end(), 0)
})
