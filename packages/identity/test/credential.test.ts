import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, PosternError, type Role } from '@postern/protocol'
import {
  type AuthorityKey,
  Bulletin,
  generateKey,
  meshIdOf,
  permits,
  sealCredential,
  undisclosed,
  verifierOf,
} from '../src/index.ts'

const hour = 3600_000

function clockAt(nowMs: number): Clock & { nowMs: number } {
  return {
    nowMs,
    now() {
      return this.nowMs
    },
  }
}

function authorityOf(clock: Clock) {
  const key = generateKey()
  const { x = '' } = key.signing.export({ format: 'jwk' })
  const keys: AuthorityKey[] = [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k1' }]
  const mesh = { id: meshIdOf(keys), keys }
  return {
    mesh,
    by: { mesh: mesh.id, key: key.signing, kid: 'k1' },
    verifier: verifierOf(new Bulletin({ mesh, clock })),
  }
}

const refusedWith = (code: string) => (error: unknown) => error instanceof PosternError && error.code === code

const draft = { name: 'n', roles: ['egress'], services: ['billing', 'team-*'], lifeMs: hour } as const

test('a credential says what its authority has signed', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, mesh, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  const credential = await verifier.credential(await sealCredential({ ...draft, peer }, by, clock), peer)
  assert.equal(credential.mesh, mesh.id)
  assert.deepEqual(
    [credential.peer, credential.name, credential.roles, credential.services],
    [peer, 'n', ['egress'], ['billing', 'team-*']],
  )
  assert.equal(credential.expiresMs, clock.nowMs + hour)
  assert.ok(permits(credential, 'egress', 'billing') && permits(credential, 'egress', 'team-a'))
  assert.ok(!permits(credential, 'egress', 'other') && !permits(credential, 'ingress', 'billing'))
})

test('a name of several lines, or with what a terminal obeys, is none', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  for (const name of ['a\nb: c', '\u001B[2J', '', 'x'.repeat(65)]) {
    const sealed = await sealCredential({ ...draft, name, peer }, by, clock)
    await assert.rejects(verifier.credential(sealed, peer), refusedWith('CREDENTIAL_INVALID'))
  }
})

test('a credential shown to a relay does not name services, and permits none', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  const shown = undisclosed(await sealCredential({ ...draft, peer }, by, clock))
  assert.doesNotMatch(Buffer.from(shown.split('.')[1] ?? '', 'base64url').toString(), /billing|team/)
  const credential = await verifier.credential(shown, peer)
  assert.deepEqual(credential.services, [])
  assert.ok(permits(credential, 'egress') && !permits(credential, 'egress', 'billing'))
})

test('a credential with services that the authority has not signed is refused', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  const sealed = undisclosed(await sealCredential({ ...draft, peer }, by, clock))
  const wider = Buffer.from(JSON.stringify(['salt', 'services', ['*']])).toString('base64url')
  await assert.rejects(verifier.credential(`${sealed}${wider}~`, peer), refusedWith('CREDENTIAL_INVALID'))
  await assert.rejects(verifier.credential(`${sealed}AAAA~`, peer), refusedWith('CREDENTIAL_INVALID'))
})

test('a credential of another peer, of another mesh, expired, early or altered is refused, each with its own code', async () => {
  const clock = clockAt(1_700_000_000_000)
  const ours = authorityOf(clock)
  const theirs = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  const sealed = await sealCredential({ ...draft, peer }, ours.by, clock)

  await assert.rejects(
    ours.verifier.credential(sealed, generateKey().peerId.toString()),
    refusedWith('CREDENTIAL_WRONG_PEER'),
  )
  const foreign = await sealCredential({ ...draft, peer }, { ...theirs.by, kid: 'k2' }, clock)
  await assert.rejects(ours.verifier.credential(foreign, peer), refusedWith('CREDENTIAL_WRONG_MESH'))
  const forged = await sealCredential({ ...draft, peer }, { ...theirs.by, mesh: ours.mesh.id }, clock)
  await assert.rejects(ours.verifier.credential(forged, peer), refusedWith('CREDENTIAL_INVALID'))

  const [head = '', claims = '', signature = ''] = sealed.split('.')
  const parsed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
  const altered = Buffer.from(JSON.stringify({ ...parsed, roles: ['authority'] })).toString('base64url')
  await assert.rejects(
    ours.verifier.credential(`${head}.${altered}.${signature}`, peer),
    refusedWith('CREDENTIAL_INVALID'),
  )

  clock.nowMs += hour
  await assert.rejects(ours.verifier.credential(sealed, peer), refusedWith('CREDENTIAL_EXPIRED'))
  clock.nowMs -= hour + 120_000
  await assert.rejects(ours.verifier.credential(sealed, peer), refusedWith('CREDENTIAL_EARLY'))
})

test('a credential with a role that nobody knows is refused, whatever else it grants', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  for (const roles of [['egress', 'admin'], ['Egress'], ['toString'], []]) {
    const sealed = await sealCredential({ ...draft, roles: roles as Role[], peer }, by, clock)
    await assert.rejects(verifier.credential(sealed, peer), refusedWith('CREDENTIAL_INVALID'), roles.join())
  }
})

test('a credential that claims to need no signature is refused', async () => {
  const clock = clockAt(1_700_000_000_000)
  const { by, verifier } = authorityOf(clock)
  const peer = generateKey().peerId.toString()
  const sealed = await sealCredential({ ...draft, peer }, by, clock)
  const none = Buffer.from('{"alg":"none","typ":"postern-credential+jwt"}').toString('base64url')
  await assert.rejects(
    verifier.credential(`${none}.${sealed.split('.')[1] ?? ''}.~`, peer),
    refusedWith('CREDENTIAL_INVALID'),
  )
})
