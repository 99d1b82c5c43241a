import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { issueNode } from '@postern/identity'
import { type Clock, PosternError, systemClock } from '@postern/protocol'
import { type Backend, backendOf, eventually, type KitMesh, meshOf } from '@postern/test-kit'
import { type Diagnosis, diagnose, type Examined, readiness } from '../src/index.ts'
import { askAdmin, takenPort } from './admin.ts'

const vector = (name: string) => new URL(`../../egress/test/vectors/${name}.pem`, import.meta.url)

let backend: Backend
let mesh: KitMesh
before(async () => {
  backend = await backendOf((_request, response) => response.end('ok'))
  mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: [backend.url] })
})
after(async () => {
  await mesh[Symbol.asyncDispose]()
  await backend[Symbol.asyncDispose]()
})

const offering = (...backends: readonly string[]) => ({
  egress: { services: { api: { backends, expose: [{ methods: ['*'], path: '/**' }], connectMs: 500 } } },
})
const door = { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }] }

let made = 0
/** A node folder that nobody runs. */
async function folderOf(
  config: object,
  role: 'ingress' | 'egress' | 'relay',
  lifeMs = 90 * 24 * 3600_000,
  clock: Clock = systemClock,
) {
  made += 1
  const folder = join(mesh.authority.folder, '..', `made-${made}`)
  await issueNode({ ...mesh.authority, clock }, folder, {
    name: `made-${made}`,
    roles: [role],
    services: ['api'],
    lifeMs,
  })
  writeFileSync(join(folder, 'postern.yaml'), JSON.stringify(config))
  return folder
}

interface Told extends Diagnosis {
  readonly codes: readonly string[]
  readonly names: readonly string[]
  readonly examined: readonly Examined[]
  readonly causes: string
}

const notRunning = (cause: unknown) => new PosternError('NOT_RUNNING', 'no node answers', { cause })

async function told(folder: string | undefined, more: { clock?: Clock; socket?: string } = {}): Promise<Told> {
  const examined: Examined[] = []
  const diagnosis = await diagnose({
    file: folder === undefined ? undefined : join(folder, 'postern.yaml'),
    ask: async (socket, path) => {
      const { value } = await askAdmin(socket, path).catch((cause: unknown) => {
        throw notRunning(cause)
      })
      return value
    },
    examined: (each) => examined.push(each),
    ...more,
  })
  const codes = diagnosis.findings.map(({ code }) => code)
  return {
    ...diagnosis,
    codes,
    names: diagnosis.checks.map(({ name }) => name.replace(/ …\w+$/, '')),
    examined,
    causes: diagnosis.findings.map(({ cause }) => cause).join('\n'),
  }
}

test('a node that could run is told so, after all that it needs was tried', async () => {
  const egress = await told(await folderOf(offering(backend.url), 'egress'))
  assert.deepEqual([egress.ok, egress.codes], [true, ['NOT_RUNNING']], egress.causes)
  const files = ['config', 'mesh file', 'mesh secret', 'key', 'credential', 'grants']
  assert.deepEqual(egress.names, [...files, 'node', 'state folder', 'relay', 'relay', 'relays', 'backends of api'])
  assert.deepEqual(
    egress.examined.map(({ name, ok, ms }) => ({ name, ok, ms })),
    egress.checks,
  )
  const free = await takenPort()
  const { port } = free
  await free[Symbol.asyncDispose]()
  const ingress = await told(
    await folderOf({ ingress: { ...door, listen: [{ url: `http://127.0.0.1:${port}` }] } }, 'ingress'),
  )
  assert.equal(ingress.ok, true, ingress.causes)
  assert.ok(ingress.names.includes(`port 127.0.0.1:${port}`))
  await eventually('the relays have seen the last of it', () =>
    mesh.relays.every(({ node }) => node.parts.mesh.peers().every(({ name }) => !name.startsWith('made'))),
  )
})

test('a node that runs is asked, and no relay is dialled in its name', async () => {
  const [relay] = mesh.relays
  assert.ok(relay)
  for (const each of [...mesh.ingresses, ...mesh.egresses]) {
    await eventually(`${each.name} is ready`, () => readiness(each.node.status()).ready)
    const links: number = relay.node.parts.mesh.peers().length
    const { codes, names, ok } = await told(undefined, { socket: each.config.admin.socket })
    assert.deepEqual([ok, codes], [true, []])
    assert.deepEqual(names.slice(0, 2), ['node', 'relays'])
    assert.ok(names.includes(each.config.egress === undefined ? 'services' : 'guards'))
    assert.equal(relay.node.parts.mesh.peers().length, links)
  }
})

test('a clock that is off is found by the knock, or by what a backend says of the time', async () => {
  const clock = { now: () => Date.now() + 5 * 60_000 }
  const { codes, ok } = await told(await folderOf(offering(backend.url), 'egress'), { clock })
  assert.deepEqual(codes.toSorted(), ['CLOCK_OFF', 'KNOCK_REFUSED', 'KNOCK_REFUSED', 'NOT_RUNNING', 'NO_RELAY'])
  assert.equal(ok, false)
  await eventually('the relays are told too', () =>
    mesh.relays.every(({ node }) => node.status().warnings.some(({ code }) => code === 'CLOCK_OFF')),
  )
  const early = await told(await folderOf({ ingress: door }, 'ingress', undefined, clock))
  assert.deepEqual(early.codes, ['CREDENTIAL_EARLY', 'NOT_RUNNING'])
})

test('what is wrong with one file hides nothing that is wrong with another', async () => {
  const folder = await folderOf(offering(backend.url), 'egress')
  chmodSync(join(folder, 'state', 'node.key'), 0o644)
  rmSync(join(folder, 'mesh.secret'))
  const { codes, findings, names } = await told(folder)
  assert.deepEqual(codes, ['FILE_MISSING', 'KEY_TOO_OPEN', 'NOT_RUNNING'])
  assert.match(findings[1]?.remedy ?? '', /chmod 600 .*node\.key/)
  assert.ok(!names.includes('relays'))
})

test('a credential that is over, that goes soon, that is of another key or does not cover the config is told apart', async () => {
  const past = { now: () => Date.now() - 3600_000 }
  const config = offering(backend.url)
  assert.ok((await told(await folderOf(config, 'egress', 60_000, past))).codes.includes('CREDENTIAL_EXPIRED'))
  const dayMs = 24 * 3600_000
  const long = { now: () => Date.now() - 85 * dayMs }
  const soon = await told(await folderOf(config, 'egress', 90 * dayMs, long))
  assert.deepEqual([soon.ok, soon.codes], [false, ['CREDENTIAL_EXPIRING', 'NOT_RUNNING']])
  const swapped = await folderOf(config, 'egress')
  cpSync(join(await folderOf(config, 'egress'), 'state', 'node.key'), join(swapped, 'state', 'node.key'))
  assert.ok((await told(swapped)).codes.includes('CREDENTIAL_WRONG_PEER'))
  assert.ok((await told(await folderOf({ ingress: door }, 'egress'))).codes.includes('CREDENTIAL_REFUSED'))
})

test('a config that is wrong, or not there, is where it ends', async () => {
  const wrong = await told(await folderOf({ egres: {} }, 'egress'))
  assert.deepEqual([wrong.codes, wrong.names], [['CONFIG_INVALID'], ['config']])
  assert.match(wrong.causes, /did you mean egress/)
  assert.deepEqual((await told('/nowhere')).codes, ['FILE_MISSING'])
  await assert.rejects(
    diagnose({
      file: join(await folderOf({ ingress: door }, 'ingress'), 'postern.yaml'),
      sources: { flags: ['nothing'] },
      ask: () => Promise.reject(notRunning(undefined)),
      examined: () => {},
    }),
    { code: 'USAGE' },
  )
})

test('a port that is taken is told with what to do', async () => {
  await using taken = await takenPort()
  const listen = [`/ip4/127.0.0.1/tcp/${taken.port}`]
  const { codes, findings } = await told(await folderOf({ relay: { listen } }, 'relay'))
  assert.deepEqual(codes, ['NOT_RUNNING', 'ADDRESS_IN_USE'])
  assert.match(findings[1]?.cause ?? '', new RegExp(`:${taken.port}: the port is taken`))
})

test('a backend that is down, silent, no HTTP, or of a certificate that nobody vouches for is told apart', async () => {
  await using silent = await backendOf(() => {})
  const options = { cert: readFileSync(vector('localhost-certificate')), key: readFileSync(vector('localhost-key')) }
  const secure = createHttps(options).listen(0, '127.0.0.1')
  const noHttp = createServer((socket) => socket.end('nonsense\r\n\r\n')).listen(0, '127.0.0.1')
  const of = async (url: string) => told(await folderOf(offering(url), 'egress'))
  await Promise.all([secure, noHttp].map((server) => once(server, 'listening')))
  const portOf = (server: Server) => (server.address() as AddressInfo).port
  const [down, untrusted, other, quiet] = await Promise.all([
    of('http://127.0.0.1:9'),
    of(`https://127.0.0.1:${portOf(secure)}`),
    of(`http://127.0.0.1:${portOf(noHttp)}`),
    of(silent.url),
  ])
  for (const server of [secure, noHttp]) server.close()
  assert.match(down.causes, /127\.0\.0\.1:9, of the service api: nothing listens there/)
  assert.match(untrusted.causes, /self-signed certificate/)
  assert.ok(quiet.codes.includes('BACKEND_SILENT'))
  assert.match(other.causes, /takes a connection and answers with no HTTP/)
  const two = await told(await folderOf(offering('http://127.0.0.1:9', backend.url), 'egress'))
  assert.deepEqual(
    two.findings.map(({ code, severity }) => [code, severity]),
    [
      ['NOT_RUNNING', 'info'],
      ['BACKEND_DOWN', 'warning'],
    ],
  )
})

test('the certificate of a listener is looked at: that the key is its own, and until when it is good', async () => {
  const tls = { cert: 'cert.pem', key: 'key.pem' }
  const folder = await folderOf({ ingress: { ...door, listen: [{ url: 'https://127.0.0.1:0', tls }] } }, 'ingress')
  assert.ok((await told(folder)).codes.includes('FILE_MISSING'))
  cpSync(vector('localhost-certificate'), join(folder, 'cert.pem'))
  cpSync(vector('localhost-key'), join(folder, 'key.pem'))
  const good = await told(folder)
  assert.ok(good.names.some((name) => name.startsWith('certificate ')))
  assert.equal(good.ok, true, good.causes)
  cpSync(join(folder, 'state', 'node.key'), join(folder, 'key.pem'))
  assert.match((await told(folder)).causes, /is not the key of the certificate/)
  const far = { now: () => Date.now() + 10_000 * 24 * 3600_000 }
  assert.ok((await told(folder, { clock: far })).codes.includes('CREDENTIAL_EXPIRED'))
})

test('one who may not ask, or gets no answer that makes sense, is told so, and nothing is tried in the name of the node', async () => {
  const denied = Object.assign(new Error('connect EACCES'), { code: 'EACCES' })
  const examined: Examined[] = []
  const { findings } = await diagnose({
    file: join(await folderOf(offering(backend.url), 'egress'), 'postern.yaml'),
    ask: () => Promise.reject(notRunning(denied)),
    examined: (each) => examined.push(each),
  })
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['NODE_SILENT'],
  )
  assert.match(findings[0]?.cause ?? '', /EACCES/)
  assert.ok(!examined.some(({ name }) => name.startsWith('relay')))
})
