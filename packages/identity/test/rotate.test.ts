import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  admit,
  askRenewal,
  askReplacement,
  Bulletin,
  generateKey,
  issueNode,
  loadMember,
  type Member,
  maxOverlapMs,
  replyKey,
  resumeReplacement,
  revoke,
  rotateAuthority,
  rotateSecret,
  saveKey,
  sealBulletin,
  sealCredential,
  sealEnrolment,
  sealReplacement,
  takeNext,
  termOf,
  usualGraceMs,
  waitingKey,
} from '../src/index.ts'
import { type Founded, founded } from './founded.ts'

const hour = 3600_000

async function nodeOf(mesh: Founded, name: string): Promise<{ state: string; load: () => Promise<Member> }> {
  const folder = join(mesh.root, name)
  await issueNode(await mesh.load(), folder, { name, roles: ['ingress'], services: ['api'], lifeMs: 100 * hour })
  const state = join(folder, 'state')
  return { state, load: () => loadMember(join(folder, 'mesh.json'), state, mesh.clock) }
}

const asking = (mesh: Founded, folder: string) => async (request: string) =>
  (await admit(folder, request, mesh.clock)).admission

test('a renewed credential says the same for another life, and takes the place of the old one', async () => {
  using mesh = await founded()
  const { load } = await nodeOf(mesh, 'node')
  const member = await load()
  mesh.clock.nowMs += 60 * hour
  const { folder } = await mesh.load()
  const { credential } = await askRenewal(member, asking(mesh, folder))
  await member.renew(credential)
  const again = await load()
  for (const { credential: now } of [member, again]) {
    assert.deepEqual([now.name, now.roles, now.services], ['node', ['ingress'], ['api']])
    assert.equal(now.expiresMs, mesh.clock.nowMs + 100 * hour)
  }
})

test('a revoked or expired member gets no other credential, nor does one in the name of another', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const [revoked, expired, thief] = await Promise.all(
    ['revoked', 'expired', 'thief'].map(async (name) => (await nodeOf(mesh, name)).load()),
  )
  assert.ok(revoked && expired && thief)
  const stolen = { ...thief, sealed: expired.sealed }
  await assert.rejects(askRenewal(stolen, asking(mesh, folder)), { code: 'CREDENTIAL_WRONG_PEER' })
  await revoke(await mesh.load(), 'revoked')
  await assert.rejects(askRenewal(revoked, asking(mesh, folder)), { code: 'CREDENTIAL_REVOKED' })
  mesh.clock.nowMs += 100 * hour + usualGraceMs
  await assert.rejects(askRenewal(expired, asking(mesh, folder)), { code: 'CREDENTIAL_EXPIRED' })
})

test('a credential that has ended is renewed for a while, to its own key alone, unless that was revoked before or after', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const names = ['kept', 'before', 'after', 'replaced']
  const nodes = await Promise.all(names.map((name) => nodeOf(mesh, name)))
  const [kept, before, after, replaced] = await Promise.all(nodes.map(({ load }) => load()))
  assert.ok(kept && before && after && replaced)
  await revoke(await mesh.load(), 'before')
  mesh.clock.nowMs += 100 * hour + usualGraceMs - 1000
  await revoke(await mesh.load(), 'after')
  const ask = asking(mesh, folder)
  for (const revoked of [before, after]) await assert.rejects(askRenewal(revoked, ask), { code: 'CREDENTIAL_REVOKED' })
  await assert.rejects(askReplacement(replaced, join(mesh.root, 'new'), hour, ask), { code: 'CREDENTIAL_EXPIRED' })
  await assert.rejects(askRenewal({ ...replaced, sealed: kept.sealed }, ask), { code: 'CREDENTIAL_WRONG_PEER' })
  await kept.renew((await askRenewal(kept, ask)).credential)
  const { name, roles, services } = kept.credential
  assert.deepEqual([name, roles, services], ['kept', ['ingress'], ['api']])
  const none = async (request: string) => (await admit(folder, request, mesh.clock, { graceMs: 0 })).admission
  mesh.clock.nowMs += 100 * hour
  await assert.rejects(askRenewal(kept, none), { code: 'CREDENTIAL_EXPIRED' })
})

test('who shows a credential that has ended has none of its roles and services, and no longer than is allowed', async () => {
  using mesh = await founded()
  const { credential, sealed, verifier } = await (await nodeOf(mesh, 'node')).load()
  const { peer } = credential
  const shown = async () => {
    const { lapsed, roles, services } = await verifier.shown(sealed, peer, hour)
    return [lapsed, roles, services]
  }
  assert.deepEqual(await shown(), [undefined, ['ingress'], ['api']])
  mesh.clock.nowMs += 100 * hour
  assert.deepEqual(await shown(), [true, [], []])
  await assert.rejects(verifier.shown(sealed, peer, 0), { code: 'CREDENTIAL_EXPIRED' })
  mesh.clock.nowMs += hour
  await assert.rejects(shown(), { code: 'CREDENTIAL_EXPIRED' })
  mesh.clock.nowMs -= 102 * hour
  await assert.rejects(shown(), { code: 'CREDENTIAL_EARLY' })
})

test('while the key of the authority is replaced both count, the old one signs first, and then it is refused', async () => {
  using mesh = await founded()
  const node = await (await nodeOf(mesh, 'node')).load()
  const old = (await mesh.load()).signatory
  const { oldUntilMs } = await rotateAuthority(await mesh.load(), 10 * hour)
  await assert.rejects(rotateAuthority(await mesh.load(), hour), { code: 'USAGE' })
  assert.equal((await mesh.load()).signatory.kid, old.kid)
  await node.bulletin.learn((await mesh.load()).bulletin.sealed)
  assert.equal(termOf(node).untilMs, oldUntilMs)

  mesh.clock.nowMs += 5 * hour
  const authority = await mesh.load()
  assert.notEqual(authority.signatory.kid, old.kid)
  const { credential } = await askRenewal(node, asking(mesh, authority.folder))
  await node.renew(credential)
  assert.equal(termOf(node).untilMs, mesh.clock.nowMs + 100 * hour)

  mesh.clock.nowMs += 5 * hour
  const draft = { peer: node.credential.peer, name: 'n', roles: ['relay'], services: [], lifeMs: hour } as const
  const late = await sealCredential(draft, old, mesh.clock)
  await assert.rejects(node.verifier.credential(late, draft.peer), { code: 'CREDENTIAL_WRONG_MESH' })
  // The authority's own folder, and one that is issued now, still hold together; and so does the next rotation.
  const issued = await (await nodeOf(mesh, 'late')).load()
  assert.equal(issued.credential.name, 'late')
  await rotateAuthority(await mesh.load(), 2 * hour)
  mesh.clock.nowMs += 3 * hour
  assert.equal((await (await nodeOf(mesh, 'later')).load()).credential.name, 'later')
})

test('one who was away while the key was replaced learns it from the whole chain; a forger with the old key does not win', async () => {
  using mesh = await founded()
  const { mesh: file, signatory: stolen } = await mesh.load()
  const away = new Bulletin({ mesh: file, clock: mesh.clock })
  const present = new Bulletin({ mesh: file, clock: mesh.clock })
  await rotateAuthority(await mesh.load(), 2 * hour)
  await revoke(await mesh.load(), '12D3KooWQPVJse3iaZhZnfc3FpUR3vh6zhoCWtR7vgoQdVj5yiGv')
  await present.learn((await mesh.load()).bulletin.sealed)
  mesh.clock.nowMs += 3 * hour
  const { bulletin } = await mesh.load()
  assert.equal(await away.learn(bulletin.sealed), true)
  assert.deepEqual([away.seq, away.keys], [bulletin.seq, bulletin.keys])
  const forged = await sealBulletin({ seq: 99, revoked: [] }, stolen)
  for (const each of [away, present]) await assert.rejects(each.learn(forged), { code: 'CREDENTIAL_WRONG_MESH' })
})

test('while the mesh secret is replaced both are answered to and the old one is used, then the new one alone', async () => {
  using mesh = await founded()
  const [old] = (await mesh.load()).bulletin.secrets
  await rotateSecret(await mesh.load(), 10 * hour)
  await assert.rejects(rotateSecret(await mesh.load(), hour), { code: 'USAGE' })
  const { bulletin } = await mesh.load()
  const [first, second] = bulletin.secrets
  assert.deepEqual(first, old)
  assert.equal(bulletin.heardSecrets.length, 2)
  mesh.clock.nowMs += 10 * hour
  assert.deepEqual(bulletin.secrets, [second])
  assert.equal(bulletin.heardSecrets.length, 2)
  mesh.clock.nowMs += 61_000
  assert.deepEqual(bulletin.heardSecrets, [second])
  assert.deepEqual((await (await nodeOf(mesh, 'new')).load()).knock.secret, second)
})

test('a new key of a node takes over at the next start, and the old one ends after the overlap', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const member = await load()
  const ask = asking(mesh, folder)
  const peer = await askReplacement(member, state, hour, ask)
  await assert.rejects(askReplacement(member, state, hour, ask), { code: 'USAGE' })
  assert.equal((await load()).credential.peer, member.credential.peer)
  takeNext(state)
  const renewed = await load()
  assert.deepEqual([renewed.credential.peer, renewed.credential.name], [peer, 'node'])

  const { bulletin } = await mesh.load()
  assert.equal(bulletin.lapse(member.credential), undefined)
  mesh.clock.nowMs += hour
  assert.equal(bulletin.lapse(member.credential), 'CREDENTIAL_REVOKED')
  assert.equal(bulletin.lapse(renewed.credential), undefined)
})

test('a key is replaced once: who has stolen it gets no second one from it', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const member = await load()
  await askReplacement(member, state, hour, asking(mesh, folder))
  const elsewhere = join(mesh.root, 'thief')
  await assert.rejects(askReplacement(member, elsewhere, hour, asking(mesh, folder)), { code: 'CREDENTIAL_REFUSED' })
})

test('nor does it get one by a peer that is a member already', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const member = await load()
  await askReplacement(member, state, hour, asking(mesh, folder))
  const { key } = await (await nodeOf(mesh, 'accomplice')).load()
  const replacement = await sealReplacement(member.key, key.peerId.toString())
  const claim = { credential: member.sealed, replacement, overlapMs: hour }
  await assert.rejects(admit(folder, await sealEnrolment(key, replyKey(), claim), mesh.clock), {
    code: 'CREDENTIAL_REFUSED',
  })
})

test('a replacement of which the authority kept no more than that it began goes on for the same peer', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const member = await load()
  const lost = async (request: string) => {
    await admit(folder, request, mesh.clock)
    throw new Error('the answer is lost')
  }
  await assert.rejects(askReplacement(member, state, hour, lost), /lost/)
  rmSync(join(folder, 'issued.jsonl'))
  assert.equal(waitingKey(state), 'begun')
  const peer = await resumeReplacement(member, state, asking(mesh, folder))
  assert.equal(waitingKey(state), 'ready')
  const { bulletin } = await mesh.load()
  assert.deepEqual(
    bulletin.notice.revoked.map(({ subject }) => subject),
    [member.credential.peer],
  )
  assert.equal((await load()).credential.peer, member.credential.peer)
  assert.notEqual(peer, member.credential.peer)
})

test('a member does not fill the bulletin by replacing its key again and again', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const ask = asking(mesh, folder)
  await askReplacement(await load(), state, hour, ask)
  takeNext(state)
  await assert.rejects(askReplacement(await load(), state, hour, ask), { code: 'BUSY' })
  mesh.clock.nowMs += 24 * hour
  await askReplacement(await load(), state, hour, ask)
})

test('a rotation that broke off before its bulletin was signed is begun anew', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  saveKey(join(folder, 'authority.next.key'), generateKey())
  await rotateAuthority(await mesh.load(), hour)
  mesh.clock.nowMs += hour
  assert.equal((await (await nodeOf(mesh, 'node')).load()).credential.name, 'node')
})

test('a credential that cannot be kept is not taken, so that it is asked for again', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const { load, state } = await nodeOf(mesh, 'node')
  const member = await load()
  mkdirSync(join(state, 'credential.jws.new'))
  const before = member.sealed
  const { credential } = await askRenewal(member, asking(mesh, folder))
  await assert.rejects(member.renew(credential))
  assert.equal(member.sealed, before)
})

test('an overlap for longer than an authority grants is refused before anything is asked', async () => {
  using mesh = await founded()
  const { load, state } = await nodeOf(mesh, 'node')
  const ask = () => Promise.reject(new Error('asked'))
  await assert.rejects(askReplacement(await load(), state, maxOverlapMs + 1, ask), { code: 'USAGE' })
})
