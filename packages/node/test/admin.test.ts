import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KitNode, meshOf } from '@postern/test-kit'
import { askAdmin } from './admin.ts'

const socketOf = ({ node }: KitNode) => node.parts.config.admin.socket

async function withRelay(check: (relay: KitNode) => Promise<void>): Promise<void> {
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  await check(mesh.relays[0] ?? assert.fail())
}

test('a node tells its operator what it is, whether it is ready, its peers and its services', () =>
  withRelay(async (relay) => {
    const status = await askAdmin(socketOf(relay), '/status')
    assert.equal(status.status, 200)
    assert.equal(status.value['name'], 'relay-1')
    assert.deepEqual(status.value['roles'], ['relay'])
    assert.equal(status.value['peer'], relay.node.status().peer)
    assert.deepEqual((await askAdmin(socketOf(relay), '/ready')).value, { ready: true, missing: [] })
    assert.deepEqual((await askAdmin(socketOf(relay), '/peers')).value, [])
    assert.deepEqual((await askAdmin(socketOf(relay), '/services')).value, { called: [], offered: [] })
  }))

test('what there is not to ask for is 404, whatever it is called', () =>
  withRelay(async (relay) => {
    const names = ['', 'nothing', 'Status', 'toString', 'constructor', 'hasOwnProperty', '__proto__', '..%2fstatus']
    for (const name of names) {
      const { status, value } = await askAdmin(socketOf(relay), `/${name}`)
      assert.equal(status, 404, `/${name} is answered with ${JSON.stringify(value).slice(0, 80)}`)
      assert.equal(value.code, 'USAGE')
    }
    for (const method of ['POST', 'PUT', 'DELETE'])
      assert.equal((await askAdmin(socketOf(relay), '/status', method)).status, 404, method)
  }))

test('what cannot be answered is said with a code, and the socket goes on answering', () =>
  withRelay(async (relay) => {
    for (const [path, code] of [
      ['/trace/', 'USAGE'],
      ['/trace/No%20Name', 'USAGE'],
      ['/trace/api', 'USAGE'],
    ] as const) {
      const { status, value } = await askAdmin(socketOf(relay), path)
      assert.equal(status, 500)
      assert.equal(value.code, code)
      assert.ok((value.message ?? '').length > 0)
    }
    assert.equal((await askAdmin(socketOf(relay), '/trace/%')).status, 500)
    assert.equal((await askAdmin(socketOf(relay), '/status')).status, 200)
  }))

test('no answer holds a key or the secret of the mesh', () =>
  withRelay(async (relay) => {
    const { key, knock } = relay.node.parts.member
    const secrets = [knock.secret, Buffer.from(key.libp2p.raw.subarray(0, 32))].flatMap((octets) => [
      octets.toString('base64url'),
      octets.toString('base64'),
      octets.toString('hex'),
      octets.join(','),
    ])
    for (const path of ['status', 'ready', 'peers', 'services', 'trace/api', 'constructor', 'valueOf']) {
      const said = JSON.stringify(await askAdmin(socketOf(relay), `/${path}`))
      for (const form of secrets) assert.ok(!said.includes(form), `/${path} tells a secret`)
    }
  }))
