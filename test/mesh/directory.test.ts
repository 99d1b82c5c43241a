import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dayOf, issueNode, lookupKeyOf, serviceIdOf } from '@postern/identity'
import { backendOf, meshOf, pry } from '@postern/test-kit'

test('a relay with a genuine key gets records of an id it has seen, and opens none without the name of the service', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 0, egresses: 2, backends: [backend.url] })
  const folder = join(mesh.authority.folder, '..', 'prying')
  await issueNode(mesh.authority, folder, { name: 'prying', roles: ['relay'], services: [] })
  const [secret = Buffer.alloc(0)] = mesh.authority.bulletin.secrets
  const id = serviceIdOf(lookupKeyOf(secret, 'api'), dayOf(Date.now()))
  const pried = await pry({ folder, listen: '/ip4/127.0.0.1/tcp/0', id, guess: 'api' })
  const egresses = mesh.egresses.map(({ node }) => node.parts.mesh.peer)
  assert.deepEqual(pried.guards.toSorted(), mesh.relays.map(({ node }) => node.parts.mesh.peer).toSorted())
  assert.equal(pried.records, mesh.relays.length * egresses.length)
  const heard = Buffer.from(pried.heard, 'base64').toString('latin1')
  for (const egress of egresses) assert.equal(heard.includes(egress), false)
  assert.deepEqual(pried.opened, [])
  assert.deepEqual(pried.guessed, egresses.toSorted())
})
