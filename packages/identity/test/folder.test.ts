import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  addBootstrap,
  issueNode,
  loadAuthority,
  makeInvite,
  readRegister,
  replaceFile,
  revoke,
  rotateAuthority,
  rotateSecret,
  verifierOf,
  verifyInvite,
  writeSecretFile,
} from '../src/index.ts'
import { exclusively, publish, revocationsKept } from '../src/publish.ts'
import { fullDisk, watchedDisk } from './failing-disk.ts'
import { type Founded, founded } from './founded.ts'

const hour = 3600_000
const day = 24 * hour

const issued = async (mesh: Founded, name: string, lifeMs = 100 * hour) =>
  (
    await issueNode(await mesh.load(), join(mesh.root, name), { name, roles: ['ingress'], services: ['api'], lifeMs })
  ).peerId.toString()
const sealedOf = (mesh: Founded, name: string) =>
  readFileSync(join(mesh.root, name, 'state', 'credential.jws'), 'utf8').trim()
const folderOf = async (mesh: Founded) => (await mesh.load()).folder

/** A process that holds the folder. */
async function holder(folder: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('lock-holder.ts', import.meta.url)), [folder])
  await once(child, 'message')
  return child
}

test('a folder that another process holds is not taken, however long it stands still, and is free once that is dead', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  const child = await holder(folder)
  child.kill('SIGSTOP')
  await assert.rejects(
    exclusively(folder, mesh.clock, () => Promise.resolve()),
    { code: 'BUSY' },
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal((await revoke(await mesh.load(), await issued(mesh, 'node'))).seq, 1)
})

test('of many that take the folder at a time one has it, and each once, though its last holder was killed', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  const killed = await holder(folder)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  let inside = 0
  let most = 0
  const take = () =>
    exclusively(folder, mesh.clock, async () => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
    })
  const other = holder(folder).then(async (child) => {
    most = Math.max(most, inside + 1)
    child.send('let go')
    await once(child, 'exit')
  })
  await Promise.all([other, ...Array.from({ length: 8 }, take)])
  assert.equal(most, 1)
})

test('relays whose addresses are added at a time are all in the mesh file', async () => {
  using mesh = await founded()
  const authority = await mesh.load()
  const addresses = ['one', 'two', 'three'].map((name) => `/dns4/${name}/tcp/4001/p2p/12D3KooWGzvR`)
  await Promise.all(addresses.map((address) => addBootstrap(authority, [address])))
  assert.deepEqual((await mesh.load()).mesh.bootstrap.toSorted(), addresses.toSorted())
})

test('a torn line of the register is passed over and named, stops no revocation, and the next line is whole', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  const before = await issued(mesh, 'before')
  appendFileSync(join(folder, 'issued.jsonl'), '{"name":"torn","peer":"12D3Koo')
  assert.deepEqual((await revoke(await mesh.load(), 'before')).subjects, [before])
  const after = await issued(mesh, 'after')
  const { subjects, unreadable } = await revoke(await mesh.load(), 'after')
  assert.deepEqual([subjects, unreadable], [[after], [2]])
  assert.deepEqual(
    readRegister(folder).issued.map(({ name }) => name),
    ['before', 'after'],
  )
  await assert.rejects(revoke(await mesh.load(), 'torn'), { code: 'USAGE', message: /line 2 / })
})

test('a disk that is full leaves what was there, and what failed succeeds when there is room', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  const peer = await issued(mesh, 'first')
  const grant = { name: 'invited', roles: ['ingress'], services: [], lifeMs: hour } as const
  const all = () =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')])
  const tasks = {
    issue: async () => issued(mesh, 'second'),
    revoke: async () => revoke(await mesh.load(), peer),
    invite: async () => makeInvite(await mesh.load(), grant, hour),
    bootstrap: async () => addBootstrap(await mesh.load(), ['/dns4/relay/tcp/4001/p2p/12D3KooWGzvR']),
    secret: async () => rotateSecret(await mesh.load(), hour),
    key: async () => rotateAuthority(await mesh.load(), hour),
  }
  for (const [name, task] of Object.entries(tasks)) {
    const before = all()
    {
      using _full = fullDisk()
      await assert.rejects(task(), { code: 'FILE_UNWRITABLE' }, name)
    }
    assert.deepEqual(all(), before, name)
    await task()
  }
  assert.equal(readRegister(folder).unreadable.length, 0)
})

test('what must outlive a loss of power is on the disk before it has its name, and then its name is', async () => {
  using mesh = await founded()
  const file = join(mesh.root, 'new', 'folder', 'file')
  using disk = watchedDisk()
  writeSecretFile(file, 'one')
  const inPlace = [`sync ${file}.new`, `name ${file}`, `sync ${dirname(file)}`]
  const folders = [join(mesh.root, 'new'), mesh.root].map((folder) => `sync ${folder}`)
  assert.deepEqual(disk.seen, [...folders, ...inPlace])
  replaceFile(file, 'two')
  assert.deepEqual(disk.seen.slice(folders.length + inPlace.length), inPlace)
})

test('what was issued is in the register, on the disk, before its credential is anywhere', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  using disk = watchedDisk()
  await issued(mesh, 'node')
  const at = (said: string) => disk.seen.indexOf(said)
  const registered = at(`sync ${join(folder, 'issued.jsonl')}`)
  assert.ok(registered >= 0)
  assert.ok(registered < at(`sync ${join(mesh.root, 'node', 'state', 'credential.jws')}.new`))
})

test('a clock that is months ahead drops no revocation: what was taken back stays so when it is right again', async () => {
  using mesh = await founded()
  const [thief] = [await issued(mesh, 'thief'), await issued(mesh, 'other'), await issued(mesh, 'third')]
  await revoke(await mesh.load(), 'thief')
  mesh.clock.nowMs += 300 * day
  await revoke(await mesh.load(), 'other')
  await rotateSecret(await mesh.load(), hour)
  mesh.clock.nowMs -= 300 * day
  const { bulletin } = await mesh.load()
  await assert.rejects(verifierOf(bulletin).credential(sealedOf(mesh, 'thief'), thief), { code: 'CREDENTIAL_REVOKED' })
})

/** As many revocations as are kept, of peers that the register knows to have ended, the first first. */
async function crowded(mesh: Founded): Promise<readonly string[]> {
  const folder = await folderOf(mesh)
  const subjects = Array.from({ length: revocationsKept }, (_, at) => `peer-${at}`)
  const endS = Math.floor(mesh.clock.now() / 1000)
  const lines = subjects.map((peer, at) => {
    const expires = new Date((endS + at) * 1000).toISOString()
    return JSON.stringify({ name: peer, peer, credential: `c-${at}`, roles: [], services: [], expires })
  })
  writeFileSync(join(folder, 'issued.jsonl'), `${lines.join('\n')}\n`)
  await publish(await mesh.load(), (notice) => ({
    ...notice,
    revoked: subjects.map((subject) => ({ subject, at: endS })),
  }))
  return subjects
}

test('of too many revocations those leave that ended first, and with them all that had ended by then', async () => {
  using mesh = await founded()
  const subjects = await crowded(mesh)
  const peer = await issued(mesh, 'lasting', 1000 * day)
  const endMs = mesh.clock.now()
  mesh.clock.nowMs += 200 * day
  await revoke(await mesh.load(), peer)
  const { bulletin } = await mesh.load()
  const kept = bulletin.notice.revoked.map(({ subject }) => subject)
  assert.deepEqual(kept, [...subjects.slice(1), peer])
  assert.deepEqual(
    [endMs, endMs + 1].map((expiresMs) => bulletin.isOver({ expiresMs })),
    [true, false],
  )
})

test('a revocation of what has not ended, or of which nothing is known, never leaves', async () => {
  using mesh = await founded()
  const folder = await folderOf(mesh)
  const subjects = await crowded(mesh)
  await revoke(await mesh.load(), await issued(mesh, 'node'))
  mesh.clock.nowMs += 200 * day
  appendFileSync(join(folder, 'issued.jsonl'), '{"torn')
  await publish(await mesh.load(), (notice) => ({ ...notice }))
  assert.equal((await mesh.load()).bulletin.notice.revoked.length, subjects.length + 1)
})

test('where a wrong clock makes revocations leave, what they were about is over all the same', async () => {
  using mesh = await founded()
  const thief = await issued(mesh, 'thief', 10 * day)
  await revoke(await mesh.load(), 'thief')
  const register = readFileSync(join(await folderOf(mesh), 'issued.jsonl'), 'utf8')
  const folder = await folderOf(mesh)
  await publish(await mesh.load(), (notice) => ({
    ...notice,
    revoked: [...notice.revoked, ...Array.from({ length: revocationsKept }, (_, at) => ({ subject: `p${at}`, at: 1 }))],
  }))
  writeFileSync(join(folder, 'issued.jsonl'), register)
  mesh.clock.nowMs += 300 * day
  await publish(await mesh.load(), (notice) => ({ ...notice }))
  mesh.clock.nowMs -= 300 * day
  const { bulletin } = await loadAuthority(folder, mesh.clock)
  assert.ok(!bulletin.notice.revoked.some(({ subject }) => subject === thief))
  await assert.rejects(verifierOf(bulletin).credential(sealedOf(mesh, 'thief'), thief), { code: 'CREDENTIAL_EXPIRED' })
})

test('an invite that the authority says is over is refused, whatever its clock says', async () => {
  using mesh = await founded()
  const grant = { name: 'invited', roles: ['ingress'], services: [], lifeMs: hour } as const
  const { text } = await makeInvite(await mesh.load(), grant, hour)
  const { invite } = JSON.parse(Buffer.from(text.split(':')[1] ?? '', 'base64url').toString()) as { invite: string }
  await publish(await mesh.load(), (notice) => ({ ...notice, overUntil: Math.ceil(mesh.clock.now() / 1000) + 7200 }))
  await assert.rejects(verifyInvite(await mesh.load(), invite), { code: 'INVITE_EXPIRED' })
})
