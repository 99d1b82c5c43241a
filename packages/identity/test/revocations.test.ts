import assert from 'node:assert/strict'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type Authority,
  createAuthority,
  issueNode,
  maxRevocationsSize,
  Revocations,
  registered,
  revoke,
  sealRevocations,
  verifierOf,
} from '../src/index.ts'

const byOf = ({ key, kid, mesh }: Authority) => ({ mesh: mesh.id, key: key.signing, kid })
const folderOf = () => mkdtempDisposableSync(join(tmpdir(), 'postern-revocations-'))

async function founded(root: string) {
  const authority = await createAuthority(join(root, 'authority'), 'acme')
  const issue = async (name: string, folder = name) =>
    (await issueNode(authority, join(root, folder), { name, roles: ['ingress'], services: ['api'] })).peerId.toString()
  return { authority, issue }
}

test('what is revoked by name, by peer or by credential is no longer verified, and nothing else is', async () => {
  using folder = folderOf()
  const { authority, issue } = await founded(folder.path)
  const peers = { first: await issue('first'), second: await issue('second'), third: await issue('third') }
  const other = await issue('other')
  const [, , third] = registered(authority.folder)
  await revoke(authority, 'first', 1000)
  await revoke(authority, peers.second, 2000)
  const { seq } = await revoke(authority, third?.credential ?? '', 3000)
  assert.equal(seq, 3)
  const revocations = await Revocations.load({
    mesh: authority.mesh,
    file: join(authority.folder, 'revocations.jws'),
  })
  const verifier = verifierOf(authority.mesh, undefined, revocations)
  const sealedOf = (name: string) => readFileSync(join(folder.path, name, 'state', 'credential.jws'), 'utf8').trim()
  for (const [name, peer] of Object.entries(peers))
    await assert.rejects(verifier.credential(sealedOf(name), peer), { code: 'CREDENTIAL_REVOKED' }, name)
  assert.equal((await verifier.credential(sealedOf('other'), other)).name, 'other')
})

test('a name takes back every node that bears it; what is revoked already costs no new list', async () => {
  using folder = folderOf()
  const { authority, issue } = await founded(folder.path)
  const twins = [await issue('twin', 'a'), await issue('twin', 'b')]
  const first = await revoke(authority, 'twin', 1000)
  assert.deepEqual(first.subjects, twins)
  const again = await revoke(authority, 'twin', 2000)
  assert.deepEqual([again.seq, again.sealed], [first.seq, first.sealed])
})

test('a name that nobody has is refused with the names there are, and a peer id need not be known', async () => {
  using folder = folderOf()
  const { authority, issue } = await founded(folder.path)
  const peer = await issue('known')
  await assert.rejects(revoke(authority, 'unknown', 0), { code: 'USAGE', remedy: /known/ })
  writeFileSync(join(authority.folder, 'issued.jsonl'), '')
  assert.deepEqual((await revoke(authority, peer, 0)).subjects, [peer])
  writeFileSync(join(authority.folder, 'issued.jsonl'), 'nonsense\n')
  await assert.rejects(revoke(authority, 'known', 0), { code: 'CONFIG_INVALID', message: /line 1/ })
})

test('only a newer list of the same mesh takes the place of one, and is kept', async () => {
  using folder = folderOf()
  const { authority } = await founded(folder.path)
  const stranger = await createAuthority(join(folder.path, 'stranger'), 'other')
  const file = join(folder.path, 'kept.jws')
  const revocations = await Revocations.load({ mesh: authority.mesh, file })
  const list = (seq: number) => ({ seq, revoked: [{ subject: `peer-${seq}`, at: seq }] })
  assert.equal(await revocations.learn(await sealRevocations(list(5), byOf(authority))), true)
  for (const seq of [4, 5])
    assert.equal(await revocations.learn(await sealRevocations(list(seq), byOf(authority))), false)
  const good = await sealRevocations(list(6), byOf(authority))
  const [head, , signature] = good.split('.')
  const payload = Buffer.from(JSON.stringify({ iss: authority.mesh.id, seq: 9, revoked: [] })).toString('base64url')
  for (const bad of [
    await sealRevocations(list(9), byOf(stranger)),
    await sealRevocations(list(9), { ...byOf(authority), mesh: stranger.mesh.id }),
    await sealRevocations({ ...list(9), seq: 0 }, byOf(authority)),
    `${head}.${payload}.${signature}`,
    `${good}x`,
    'x'.repeat(maxRevocationsSize + 1),
    '',
  ])
    await assert.rejects(revocations.learn(bad), { code: /^CREDENTIAL_(INVALID|WRONG_MESH)$/ })
  assert.equal(revocations.seq, 5)
  const again = await Revocations.load({ mesh: authority.mesh, file })
  assert.deepEqual([again.seq, again.covers({ peer: 'peer-5', id: '' })], [5, true])
})

test('a list that was altered on the disk keeps a node from starting rather than forgetting it', async () => {
  using folder = folderOf()
  const { authority } = await founded(folder.path)
  const file = join(folder.path, 'kept.jws')
  writeFileSync(file, 'nonsense')
  await assert.rejects(Revocations.load({ mesh: authority.mesh, file }), { code: 'CREDENTIAL_INVALID' })
})
