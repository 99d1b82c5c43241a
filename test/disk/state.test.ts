import assert from 'node:assert/strict'
import { mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import {
  admit,
  appendLine,
  beginJoin,
  createAuthority,
  fileNames,
  issueNode,
  loadAuthority,
  loadMember,
  makeInvite,
  readInvite,
  replaceFile,
  revoke,
  writeSecretFile,
} from '@postern/identity'
import { backendOf, eventually, type KitNode, meshOf } from '@postern/test-kit'
import { type TinyDisk, tinyDisk } from './tiny-disk.ts'

const rule = [{ methods: ['*'], path: '/**' }]
const unwritable = ({ node }: KitNode) => node.status().warnings.filter(({ code }) => code === 'FILE_UNWRITABLE')

suite('a disk that is full', () => {
  test('leaves every file whole, the old or the new one, and nothing beside it', () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    using disk = tinyDisk(join(root.path, 'state'))
    const at = (name: string) => join(disk.folder, name)
    replaceFile(at('old'), 'as it was')
    appendLine(at('lines'), 'first')
    disk.fill()
    const before = readdirSync(disk.folder).toSorted()
    const long = 'x'.repeat(100_000)
    for (const write of [
      () => replaceFile(at('old'), long),
      () => replaceFile(at('new'), long),
      () => writeSecretFile(at('key'), long),
      () => appendLine(at('lines'), long),
    ])
      assert.throws(write, { code: 'FILE_UNWRITABLE', message: /the disk is full$/, remedy: /df -h/ })
    assert.deepEqual(readdirSync(disk.folder).toSorted(), before)
    assert.deepEqual([readFileSync(at('old'), 'utf8'), readFileSync(at('lines'), 'utf8')], ['as it was', 'first\n'])
    disk.readOnly(true)
    assert.throws(() => replaceFile(at('old'), 'new'), { message: /the file system is read-only$/ })
    disk.readOnly(false)
    disk.free()
    replaceFile(at('old'), long)
    assert.equal(readFileSync(at('old'), 'utf8'), long)
  })

  test('keeps no egress from its relays: it is registered, answers, warns once, and writes when there is room', async () => {
    await using backend = await backendOf((_request, response) => response.end('ok'))
    await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [backend.url] })
    using disks = new DisposableStack()
    let disk: TinyDisk | undefined
    const services = { api: { backends: [backend.url], expose: rule } }
    const egress = await mesh.add('full', 'egress', { egress: { services } }, ['api'], (folder) => {
      disk = disks.use(tinyDisk(join(folder, 'state')))
      disk.fill()
    })
    const state = disk?.folder ?? ''
    await eventually('it is registered', () => (egress.node.status().egress?.guards?.registered ?? 0) > 0)
    await Promise.all(mesh.egresses.filter(({ name }) => name !== 'full').map(({ node }) => node.stop()))
    await eventually('it alone answers', async () => (await fetch(mesh.url)).status === 200)
    assert.equal(unwritable(egress).length, 1)
    assert.match(unwritable(egress)[0]?.cause ?? '', /guards\.json: the disk is full/)
    assert.match(unwritable(egress)[0]?.remedy ?? '', /make room/)
    const { counters } = egress.node.status()
    assert.ok((counters['state_writes_failed'] ?? 0) > 0)
    assert.equal(counters['defects'], undefined)
    assert.ok(!readdirSync(state).some((name) => name.startsWith('guards.json')))

    disk?.free()
    await eventually('what waits is written', () => unwritable(egress).length === 0, 90_000)
    const choices = JSON.parse(readFileSync(join(state, 'guards.json'), 'utf8')) as unknown[]
    assert.ok(choices.length > 0)
    await egress.node.stop()
  })

  test('costs a renewed credential, a bulletin and a new key nothing but the time until there is room', async () => {
    await using backend = await backendOf((_request, response) => response.end('ok'))
    const order = { relays: 2, ingresses: 1, egresses: 1, authorities: 1, backends: [backend.url] }
    await using mesh = await meshOf(order)
    using disks = new DisposableStack()
    let disk: TinyDisk | undefined
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const relay = await mesh.add('full', 'relay', { relay: { listen } }, [], (folder) => {
      disk = disks.use(tinyDisk(join(folder, 'state')))
    })
    const { member, renewal, replaceKey } = relay.node.parts
    const at = (name: string) => join(disk?.folder ?? '', name)
    const credential = readFileSync(at(fileNames.credential), 'utf8')
    mkdirSync(at(fileNames.next))
    disk?.fill()

    await eventually('it is renewed', async () => {
      await renewal.renew().catch(() => {})
      return member.sealed !== credential.trim()
    })
    assert.equal(readFileSync(at(fileNames.credential), 'utf8'), credential)
    await mesh.revoke('ingress-1')
    await eventually('it has heard of the revocation', () => member.bulletin.seq > 0)
    assert.equal(unwritable(relay).length, 1)
    // Its key is made here: where that cannot be kept, nobody is asked for a credential.
    await assert.rejects(replaceKey(1000), { code: 'FILE_UNWRITABLE' })
    assert.deepEqual(readdirSync(at(fileNames.next)), [])

    disk?.free()
    await eventually('what waits is written', () => unwritable(relay).length === 0, 90_000)
    assert.equal(readFileSync(at(fileNames.credential), 'utf8'), `${member.sealed}\n`)
    assert.equal(readFileSync(at(fileNames.bulletin), 'utf8'), `${member.bulletin.sealed}\n`)
    await replaceKey(1000)
    for (const name of [fileNames.credential, fileNames.nodeKey])
      assert.ok(readdirSync(at(fileNames.next)).includes(name))
    await relay.node.stop()
  })

  test('has an authority grant nothing that it cannot keep, and no invite is lost by it', async () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    await createAuthority(join(root.path, 'authority'), 'acme')
    using disk = tinyDisk(join(root.path, 'authority'))
    const authority = await loadAuthority(disk.folder)
    const grant = { name: 'door', roles: ['ingress'], services: ['api'], lifeMs: 3600_000 } as const
    const { text } = await makeInvite(authority, grant, 3600_000)
    const { request } = await beginJoin(join(root.path, 'door'), readInvite(text))
    const register = join(disk.folder, fileNames.register)
    const before = readFileSync(register, 'utf8')
    disk.fill()
    await assert.rejects(admit(disk.folder, request), { code: 'FILE_UNWRITABLE' })
    await assert.rejects(revoke(await loadAuthority(disk.folder), 'door'), { code: 'FILE_UNWRITABLE' })
    assert.equal(readFileSync(register, 'utf8'), before)
    disk.free()
    assert.equal((await admit(disk.folder, request)).by, 'invite')
    await revoke(await loadAuthority(disk.folder), 'door')
  })
})

suite('a disk that is read-only', () => {
  test('keeps a member from nothing but keeping', async () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    const authority = await createAuthority(join(root.path, 'authority'), 'acme')
    const folder = join(root.path, 'relay')
    await issueNode(authority, folder, { name: 'relay', roles: ['relay'], services: [] })
    using disk = tinyDisk(join(folder, 'state'))
    disk.readOnly(true)
    const member = await loadMember(join(folder, 'mesh.json'), disk.folder)
    await assert.rejects(member.renew(member.sealed), { code: 'FILE_UNWRITABLE' })
  })
})
