import assert from 'node:assert/strict'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  Bulletin,
  createAuthority,
  issueNode,
  loadAuthority,
  maxBulletinSize,
  readRegister,
  revoke,
  rotateAuthority,
  sealBulletin,
  verifierOf,
} from '../src/index.ts'
import { publish } from '../src/publish.ts'
import { founded as withClock } from './founded.ts'

const hour = 3600_000
const unknownPeer = '12D3KooWQPVJse3iaZhZnfc3FpUR3vh6zhoCWtR7vgoQdVj5yiGv'

const folderOf = () => mkdtempDisposableSync(join(tmpdir(), 'postern-bulletin-'))

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
  const [, , third] = readRegister(authority.folder).issued
  await revoke(authority, 'first')
  await revoke(authority, peers.second)
  const { seq } = await revoke(authority, third?.credential ?? '')
  assert.equal(seq, 3)
  const verifier = verifierOf((await loadAuthority(authority.folder)).bulletin)
  const sealedOf = (name: string) => readFileSync(join(folder.path, name, 'state', 'credential.jws'), 'utf8').trim()
  for (const [name, peer] of Object.entries(peers))
    await assert.rejects(verifier.credential(sealedOf(name), peer), { code: 'CREDENTIAL_REVOKED' }, name)
  assert.equal((await verifier.credential(sealedOf('other'), other)).name, 'other')
})

test('a name takes back every node that bears it; what is revoked already costs no new bulletin', async () => {
  using folder = folderOf()
  const { authority, issue } = await founded(folder.path)
  const twins = [await issue('twin', 'a'), await issue('twin', 'b')]
  const first = await revoke(authority, 'twin')
  assert.deepEqual(first.subjects, twins)
  const again = await revoke(authority, 'twin')
  assert.deepEqual([again.seq, again.sealed], [first.seq, first.sealed])
})

test('a name that nobody has is refused with the names there are, and a peer id need not be known', async () => {
  using folder = folderOf()
  const { authority, issue } = await founded(folder.path)
  const peer = await issue('known')
  await assert.rejects(revoke(authority, 'unknown'), { code: 'USAGE', remedy: /known/ })
  writeFileSync(join(authority.folder, 'issued.jsonl'), '')
  assert.deepEqual((await revoke(authority, peer)).subjects, [peer])
  writeFileSync(join(authority.folder, 'issued.jsonl'), 'nonsense\n')
  await assert.rejects(revoke(authority, 'known'), { code: 'USAGE', message: /line 1 of the register/ })
})

test('only a newer bulletin of the same mesh takes the place of one, and is kept', async () => {
  using folder = folderOf()
  const { authority } = await founded(folder.path)
  const stranger = await createAuthority(join(folder.path, 'stranger'), 'other')
  const file = join(folder.path, 'kept.jws')
  const bulletin = await Bulletin.load({ mesh: authority.mesh, file })
  const list = (seq: number) => ({ seq, revoked: [{ subject: `peer-${seq}`, at: seq }] })
  assert.equal(await bulletin.learn(await sealBulletin(list(5), authority.signatory)), true)
  for (const seq of [4, 5])
    assert.equal(await bulletin.learn(await sealBulletin(list(seq), authority.signatory)), false)
  const good = await sealBulletin(list(6), authority.signatory)
  const [head, , signature] = good.split('.')
  const payload = Buffer.from(JSON.stringify({ iss: authority.mesh.id, seq: 9, revoked: [] })).toString('base64url')
  for (const bad of [
    await sealBulletin(list(9), stranger.signatory),
    await sealBulletin(list(9), { ...authority.signatory, mesh: stranger.mesh.id }),
    await sealBulletin({ ...list(9), seq: 0 }, authority.signatory),
    `${head}.${payload}.${signature}`,
    `${good}x`,
    'x'.repeat(maxBulletinSize + 1),
    '',
  ])
    await assert.rejects(bulletin.learn(bad), { code: /^CREDENTIAL_(INVALID|WRONG_MESH)$/ })
  assert.equal(bulletin.seq, 5)
  const again = await Bulletin.load({ mesh: authority.mesh, file })
  assert.deepEqual([again.seq, again.notice.revoked], [5, list(5).revoked])
})

test('a bulletin that was altered on the disk keeps a node from starting rather than forgetting it', async () => {
  using folder = folderOf()
  const { authority } = await founded(folder.path)
  const file = join(folder.path, 'kept.jws')
  writeFileSync(file, 'nonsense', { mode: 0o600 })
  await assert.rejects(Bulletin.load({ mesh: authority.mesh, file }), { code: 'CREDENTIAL_INVALID' })
})

test('a bulletin that would be too large with those before it is not signed, and the folder stays as it was', async () => {
  using mesh = await withClock()
  const many = (from: number) =>
    Array.from({ length: 2000 }, (_, at) => ({ subject: `${from + at}`.padStart(128, '0'), at: 1 }))
  await publish(await mesh.load(), (notice) => ({ ...notice, revoked: many(0) }))
  await rotateAuthority(await mesh.load(), 2 * hour)
  const { seq } = (await mesh.load()).bulletin
  const more = publish(await mesh.load(), (notice) => ({ ...notice, revoked: [...notice.revoked, ...many(2000)] }))
  await assert.rejects(more, { code: 'CREDENTIAL_INVALID' })
  assert.equal((await mesh.load()).bulletin.seq, seq)
})

test('an older bulletin is refused by its header, whatever follows that', async () => {
  using folder = folderOf()
  const { authority } = await founded(folder.path)
  const bulletin = new Bulletin({ mesh: authority.mesh })
  await bulletin.learn(await sealBulletin({ seq: 2, revoked: [] }, authority.signatory))
  const [header] = (await sealBulletin({ seq: 1, revoked: [] }, authority.signatory)).split('.')
  assert.equal(await bulletin.learn(`${header}.not.read`), false)
  await assert.rejects(bulletin.learn('not.read.either'), { code: 'CREDENTIAL_INVALID' })
})

test('of many who bring the same bulletin at a time one brings news', async () => {
  using mesh = await withClock()
  const { sealed } = await revoke(await mesh.load(), unknownPeer)
  const { mesh: file } = await mesh.load()
  const bulletin = new Bulletin({ mesh: file, clock: mesh.clock })
  const answers = await Promise.all(Array.from({ length: 5 }, () => bulletin.learn(sealed)))
  assert.equal(answers.filter(Boolean).length, 1)
})
