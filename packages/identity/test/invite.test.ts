import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  admit,
  askReplacement,
  Bulletin,
  beginJoin,
  finishJoin,
  generateKey,
  invitedMember,
  loadMember,
  makeInvite,
  maxInviteLifeMs,
  readInvite,
  replyKey,
  revoke,
  sealEnrolment,
  undisclosed,
  verifierOf,
} from '../src/index.ts'
import { type Founded, founded } from './founded.ts'

const hour = 3600_000
const grant = { name: 'egress-9', roles: ['egress'], services: ['billing'], lifeMs: 24 * hour } as const

async function invited(mesh: Founded, lifeMs = hour) {
  const authority = await mesh.load()
  const { id, text } = await makeInvite(authority, grant, lifeMs)
  return { authority, id, text, invitation: readInvite(text) }
}

test('an invite makes a folder with a key of its own a member, with what the invite names and nothing else', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { key, request } = await beginJoin(folder, invitation)
  const { admission, by } = await admit(authority.folder, request, mesh.clock)
  assert.equal(by, 'invite')
  const credential = await finishJoin(folder, admission, mesh.clock)
  const { name, peer, roles, services } = credential
  assert.deepEqual(
    { name, roles, services, peer },
    {
      name: grant.name,
      roles: grant.roles,
      services: grant.services,
      peer: key.peerId.toString(),
    },
  )
  assert.equal(credential.expiresMs, mesh.clock.nowMs + grant.lifeMs)
  const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'), mesh.clock)
  assert.deepEqual(member.knock.secret, authority.bulletin.secrets[0])
  for (const file of ['mesh.secret', 'state/node.key']) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600)
  assert.ok(!existsSync(join(folder, 'state/enrolment.json')))
})

test('neither an invite nor what is asked by it holds the mesh secret or the key of the node', async () => {
  using mesh = await founded()
  const { authority, invitation, text } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { key, request } = await beginJoin(folder, invitation)
  const secret = readFileSync(join(authority.folder, 'mesh.secret'), 'utf8').trim()
  const d = Buffer.from(key.libp2p.raw.subarray(0, 32)).toString('base64url')
  const said = [text, Buffer.from(text.split(':')[1] ?? '', 'base64url').toString(), request, payloadOf(request)]
  for (const each of said) assert.ok(!each.includes(secret) && !each.includes(d))
})

test('what relays are shown of an invite names neither role nor service, and is no credential', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const member = await invitedMember(invitation, generateKey(), mesh.clock)
  assert.equal(member.sealed, undisclosed(invitation.invite))
  assert.doesNotMatch(payloadOf(member.sealed), /billing|egress/)
  const verifier = verifierOf(authority.bulletin)
  const peer = member.key.peerId.toString()
  assert.deepEqual((await verifier.invited(member.sealed, peer, 0)).roles, [])
  await assert.rejects(verifier.credential(member.sealed, peer), { code: 'CREDENTIAL_INVALID' })
  // Nor is it good for joining: whoever saw it on the way lacks what it is to.
  const stolen = await sealEnrolment(generateKey(), replyKey(), { invite: member.sealed })
  await assert.rejects(admit(authority.folder, stolen, mesh.clock), { code: 'INVITE_INVALID' })
})

test('an invite is good once, but for its first user again, whose answer may have been lost', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const first = join(mesh.root, 'first')
  await admit(authority.folder, (await beginJoin(first, invitation)).request, mesh.clock)
  const { request } = await beginJoin(join(mesh.root, 'second'), invitation)
  await assert.rejects(admit(authority.folder, request, mesh.clock), { code: 'INVITE_USED' })
  const again = await admit(authority.folder, (await beginJoin(first, invitation)).request, mesh.clock)
  assert.equal((await finishJoin(first, again.admission, mesh.clock)).name, grant.name)
  await assert.rejects(beginJoin(first, invitation), { code: 'FILE_EXISTS' })
})

test('an invite that has expired, was taken back, altered, or is of another authority is refused', async () => {
  using mesh = await founded()
  using other = await founded()
  const { authority, id, invitation } = await invited(mesh)
  const ask = async (invite: string) =>
    admit(authority.folder, await sealEnrolment(generateKey(), replyKey(), { invite }), mesh.clock)
  await assert.rejects(ask((await invited(other)).invitation.invite), { code: 'INVITE_INVALID' })
  const altered = invitation.invite.replace(/~(.)/, (_, first: string) => `~${first === 'A' ? 'B' : 'A'}`)
  await assert.rejects(ask(altered), { code: 'INVITE_INVALID' })
  const taken = await invited(mesh)
  await revoke(authority, taken.id)
  await assert.rejects(ask(taken.invitation.invite), { code: 'INVITE_INVALID' })
  assert.notEqual(taken.id, id)
  mesh.clock.nowMs += hour
  await assert.rejects(ask(invitation.invite), { code: 'INVITE_EXPIRED' })
  await assert.rejects(invitedMember(invitation, generateKey(), mesh.clock), { code: 'CREDENTIAL_EXPIRED' })
  await assert.rejects(makeInvite(authority, grant, maxInviteLifeMs + 1000), { code: 'USAGE' })
})

test('joining goes on where it broke off, whatever was written by then', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { request } = await beginJoin(folder, invitation)
  const { admission } = await admit(authority.folder, request, mesh.clock)
  const pending = readFileSync(join(folder, 'state/enrolment.json'))
  await finishJoin(folder, admission, mesh.clock)
  for (const lost of ['mesh.secret', 'mesh.json', 'state/credential.jws']) {
    writeFileSync(join(folder, 'state/enrolment.json'), pending, { mode: 0o600 })
    rmSync(join(folder, lost))
    const again = await beginJoin(folder, invitation)
    const { admission: answer } = await admit(authority.folder, again.request, mesh.clock)
    await finishJoin(folder, answer, mesh.clock)
    await loadMember(join(folder, 'mesh.json'), join(folder, 'state'), mesh.clock)
  }
})

test('an answer is still good when joining was begun again since it was asked for', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { request } = await beginJoin(folder, invitation)
  await beginJoin(folder, invitation)
  const { admission } = await admit(authority.folder, request, mesh.clock)
  assert.equal((await finishJoin(folder, admission, mesh.clock)).name, grant.name)
})

test('joining never touches the folder of an authority', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  await assert.rejects(beginJoin(authority.folder, invitation), { code: 'FILE_EXISTS' })
})

test('an invite is taken back with who has joined by it, and with the key that took the place of that one', async () => {
  using mesh = await founded()
  const { authority, id, invitation } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { request } = await beginJoin(folder, invitation)
  await finishJoin(folder, (await admit(authority.folder, request, mesh.clock)).admission, mesh.clock)
  const state = join(folder, 'state')
  const member = await loadMember(join(folder, 'mesh.json'), state, mesh.clock)
  const newer = await askReplacement(
    member,
    state,
    hour,
    async (asked) => (await admit(authority.folder, asked, mesh.clock)).admission,
  )
  const { subjects } = await revoke(authority, id)
  assert.deepEqual(subjects, [id, member.credential.peer, newer])
  const { bulletin } = await mesh.load()
  assert.equal(bulletin.lapse(member.credential), 'CREDENTIAL_REVOKED')
})

test('whoever is admitted while a name is revoked is revoked with it, or is not admitted', async () => {
  using mesh = await founded()
  const { authority, invitation } = await invited(mesh)
  const { key, request } = await beginJoin(join(mesh.root, 'node'), invitation)
  const [admitted] = await Promise.allSettled([
    admit(authority.folder, request, mesh.clock),
    revoke(authority, grant.name),
  ])
  const revoked = (await mesh.load()).bulletin.notice.revoked.map(({ subject }) => subject)
  assert.ok(admitted.status === 'rejected' || revoked.includes(key.peerId.toString()))
})

test('an answer is for who asked alone, and from the authority alone', async () => {
  using mesh = await founded()
  using other = await founded()
  const { authority, invitation } = await invited(mesh)
  const folder = join(mesh.root, 'node')
  const { request } = await beginJoin(folder, invitation)
  const { admission } = await admit(authority.folder, request, mesh.clock)
  const theirs = await invited(other)
  const elsewhere = await beginJoin(join(mesh.root, 'elsewhere'), theirs.invitation)
  const strange = await admit(theirs.authority.folder, elsewhere.request, other.clock)
  for (const bad of [strange.admission, `${admission.slice(0, -4)}AAAA`, 'nonsense', ''])
    await assert.rejects(finishJoin(folder, bad, mesh.clock), { code: 'BAD_MESSAGE' })
  assert.ok(!existsSync(join(folder, 'mesh.json')))
  assert.equal((await finishJoin(folder, admission, mesh.clock)).name, grant.name)
})

test('no text makes the readers of invites and requests fail otherwise than by their codes', async () => {
  using mesh = await founded()
  const { authority, invitation, text } = await invited(mesh)
  const { request } = await beginJoin(join(mesh.root, 'node'), invitation)
  const mutated = fc
    .tuple(fc.constantFrom(text, request), fc.nat(2000), fc.string())
    .map(([whole, at, put]) => `${whole.slice(0, at)}!${put}${whole.slice(at)}`)
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), mutated), async (line) => {
      assert.equal(await codeOf(() => readInvite(line)), 'INVITE_INVALID')
      assert.equal(await codeOf(() => admit(authority.folder, line, mesh.clock)), 'BAD_MESSAGE')
    }),
  )
  const bulletin = new Bulletin({ mesh: authority.mesh, clock: mesh.clock })
  await assert.rejects(bulletin.learn(request), { code: /^CREDENTIAL_/ })
})

async function codeOf(read: () => unknown): Promise<unknown> {
  try {
    await read()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

function payloadOf(sealed: string): string {
  return Buffer.from(sealed.split('.')[1] ?? '', 'base64url').toString()
}
