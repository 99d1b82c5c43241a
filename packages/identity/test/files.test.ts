import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { PosternError } from '@postern/protocol'
import {
  addBootstrap,
  createAuthority,
  generateKey,
  issueNode,
  loadAuthority,
  loadKey,
  loadMember,
  saveKey,
} from '../src/index.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-identity-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const failsWith = (code: string) => (error: unknown) => error instanceof PosternError && error.code === code

test('a key comes back from its file, which only its owner may read', () => {
  const file = join(folder, 'node.key')
  const key = generateKey()
  saveKey(file, key)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(loadKey(file).peerId.equals(key.peerId))
})

test('a key file that others may read is refused, with what to do', () => {
  const file = join(folder, 'node.key')
  saveKey(file, generateKey())
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(file, mode)
    assert.throws(
      () => loadKey(file),
      (error) => failsWith('KEY_TOO_OPEN')(error) && /chmod 600/.test((error as PosternError).remedy ?? ''),
    )
  }
})

test('a key is never replaced, and what is no key is refused', () => {
  const file = join(folder, 'node.key')
  saveKey(file, generateKey())
  const before = readFileSync(file, 'utf8')
  assert.throws(() => saveKey(file, generateKey()), failsWith('FILE_EXISTS'))
  assert.equal(readFileSync(file, 'utf8'), before)
  writeFileSync(file, 'no key')
  assert.throws(() => loadKey(file), failsWith('KEY_INVALID'))
  assert.throws(() => loadKey(join(folder, 'none')), failsWith('FILE_MISSING'))
})

test('a node that was issued is a member of its mesh, with the addresses to start from', async () => {
  const authority = await addBootstrap(await createAuthority(join(folder, 'a'), 'acme'), [
    '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWGzvR',
  ])
  const node = join(folder, 'n')
  await issueNode(authority, node, { name: 'egress-1', roles: ['egress'], services: ['billing'] })
  const member = await loadMember(join(node, 'mesh.json'), join(node, 'state'))
  assert.equal(member.mesh.id, authority.mesh.id)
  assert.equal(member.credential.name, 'egress-1')
  assert.equal(member.knock.secret.length, 32)
  assert.deepEqual(member.mesh.bootstrap, (await loadAuthority(authority.folder)).mesh.bootstrap)
  for (const file of ['state/node.key', 'mesh.secret'])
    assert.equal(statSync(join(node, file)).mode & 0o777, 0o600, file)
})

test('a mesh file with an unknown key, and a secret that others may read, are refused', async () => {
  const authority = await createAuthority(join(folder, 'a'), 'acme')
  const node = join(folder, 'n')
  await issueNode(authority, node, { name: 'r', roles: ['relay'], services: [] })
  chmodSync(join(node, 'mesh.secret'), 0o644)
  await assert.rejects(loadMember(join(node, 'mesh.json'), join(node, 'state')), failsWith('KEY_TOO_OPEN'))
  chmodSync(join(node, 'mesh.secret'), 0o600)
  const mesh = JSON.parse(readFileSync(join(node, 'mesh.json'), 'utf8')) as object
  writeFileSync(join(node, 'mesh.json'), JSON.stringify({ ...mesh, surprise: 1 }))
  await assert.rejects(loadMember(join(node, 'mesh.json'), join(node, 'state')), failsWith('MESH_INVALID'))
})

test('a second mesh does not overwrite the first', async () => {
  await createAuthority(folder, 'one')
  await assert.rejects(createAuthority(folder, 'two'), failsWith('FILE_EXISTS'))
})
