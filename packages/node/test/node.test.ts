import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Code, PosternError } from '@postern/protocol'
import { eventually, type KitMesh, type KitNode, meshOf } from '@postern/test-kit'
import { type PosternNode, readiness, startNode } from '../src/index.ts'
import { askAdmin, leaveSocket, openDoors, takenPort } from './admin.ts'

const anyPort = { relay: { listen: ['/ip4/127.0.0.1/tcp/0'] } }
const service = { backends: ['http://127.0.0.1:9'], expose: [{ methods: ['GET'], path: '/**' }] }
const offering = { egress: { services: { api: service } } }
const calling = (url = 'http://127.0.0.1:0') => ({ ingress: { listen: [{ url }], routes: [{ service: 'api' }] } })

function meshOfRelays(relays: number): Promise<KitMesh> {
  return meshOf({ relays, ingresses: 0, egresses: 0, backends: [] })
}

/** Checks that a start fails with the code, and leaves nothing running. */
async function failsWith(code: Code, start: () => Promise<KitNode | PosternNode>): Promise<PosternError> {
  const before = openDoors()
  const error: unknown = await start().then(
    async (started) => {
      await ('node' in started ? started.node : started).stop()
      assert.fail('the node has started')
    },
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof PosternError, `not a coded error: ${String(error)}`)
  assert.equal(error.code, code, error.message)
  await eventually('nothing is left running', () => openDoors() <= before, 5000)
  return error
}

test('a role that the credential does not grant is refused before anything starts', async () => {
  await using mesh = await meshOfRelays(0)
  for (const [role, config] of [
    ['relay', offering],
    ['egress', calling()],
    ['ingress', anyPort],
    ['egress', { ...offering, ...anyPort }],
  ] as const) {
    const name = `${role}-${Object.keys(config).join('-')}`
    const error = await failsWith('CREDENTIAL_REFUSED', () => mesh.add(name, role, config))
    assert.match(error.message, /role/)
    assert.match(error.remedy ?? '', /mesh issue/)
  }
})

test('a service that the credential does not cover is refused, offered or called', async () => {
  await using mesh = await meshOfRelays(0)
  for (const [role, config] of [
    ['egress', offering],
    ['ingress', calling()],
  ] as const) {
    const error = await failsWith('CREDENTIAL_REFUSED', () => mesh.add(role, role, config, ['billing', 'ap-*']))
    assert.match(error.message, /service api/)
  }
})

test('a node without its files is refused with the file that is missing', async () => {
  await using mesh = await meshOfRelays(1)
  const { config } = mesh.relays[0]?.node.parts ?? assert.fail()
  const error = await failsWith('FILE_MISSING', () =>
    startNode({ config: { ...config, state: join(config.state, 'nowhere') } }),
  )
  assert.match(error.message, /node\.key/)
})

test('a second node on the same state folder is refused, and the first one goes on', async () => {
  await using mesh = await meshOfRelays(1)
  const egress = await mesh.add('egress', 'egress', offering)
  await eventually('the egress is registered', () => readiness(egress.node.status()).ready)
  for (const { node } of [egress, ...mesh.relays]) {
    const { config, member } = node.parts
    const error = await failsWith('ADDRESS_IN_USE', () => startNode({ config }))
    assert.ok(error.message.includes(config.admin.socket), error.message)
    assert.match(error.remedy ?? '', /state folder/)
    const { status, value } = await askAdmin(config.admin.socket, '/status')
    assert.equal(status, 200)
    assert.equal(value['name'], member.credential.name)
  }
  assert.equal(readiness(egress.node.status()).ready, true)
})

test('the admin socket answers its owner alone, and is gone with the node', async () => {
  await using mesh = await meshOfRelays(0)
  const { folder, node } = await mesh.add('relay', 'relay', anyPort)
  const socket = join(folder, 'state', 'admin.sock')
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  const before = process.umask()
  await node.stop()
  assert.equal(existsSync(socket), false)
  assert.equal(process.umask(), before)
})

test('a socket that a node left behind does not keep the next one from starting', async () => {
  await using mesh = await meshOfRelays(0)
  const { node } = await mesh.add('relay', 'relay', anyPort)
  const { config } = node.parts
  await node.stop()
  await leaveSocket(config.admin.socket)
  const again = await startNode({ config })
  try {
    assert.equal((await askAdmin(config.admin.socket, '/ready')).status, 200)
  } finally {
    await again.stop()
  }
})

test('a file that is no socket is not taken for one left behind', async () => {
  await using mesh = await meshOfRelays(0)
  const { folder, node } = await mesh.add('relay', 'relay', anyPort)
  await node.stop()
  const socket = join(folder, 'notes.txt')
  writeFileSync(socket, 'to be kept')
  await failsWith('ADDRESS_IN_USE', () => startNode({ config: { ...node.parts.config, admin: { socket } } }))
  assert.equal(readFileSync(socket, 'utf8'), 'to be kept')
})

test('a path that no socket can have is refused with what to do', async () => {
  await using mesh = await meshOfRelays(0)
  const { folder, node } = await mesh.add('relay', 'relay', anyPort)
  await node.stop()
  const socket = join(folder, 'x'.repeat(120))
  const error = await failsWith('CONFIG_INVALID', () =>
    startNode({ config: { ...node.parts.config, admin: { socket } } }),
  )
  assert.match(error.remedy ?? '', /admin\.socket/)
})

test('a relay whose port is taken says so, and leaves nothing running', async () => {
  await using mesh = await meshOfRelays(0)
  await using taken = await takenPort()
  const error = await failsWith('ADDRESS_IN_USE', () =>
    mesh.add('relay', 'relay', { relay: { listen: [`/ip4/127.0.0.1/tcp/${taken.port}`] } }),
  )
  assert.ok(error.message.includes(String(taken.port)), error.message)
})

test('an ingress whose port is taken says so, and leaves nothing running', async () => {
  await using mesh = await meshOfRelays(0)
  await using taken = await takenPort()
  const error = await failsWith('ADDRESS_IN_USE', () =>
    mesh.add('ingress', 'ingress', calling(`http://127.0.0.1:${taken.port}`)),
  )
  assert.ok(error.message.includes(String(taken.port)), error.message)
  assert.ok(error.remedy !== undefined)
})

test('a node that has stopped can be started again, and stopping twice is no harm', async () => {
  await using mesh = await meshOfRelays(0)
  const before = openDoors()
  const { node } = await mesh.add('relay', 'relay', anyPort)
  await node.stop()
  await node.stop()
  await eventually('nothing is left running', () => openDoors() <= before, 5000)
  const again = await startNode({ config: node.parts.config })
  assert.equal(again.status().peer, node.status().peer)
  await again.stop()
})
