import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { statementType } from '@postern/protocol'
import { CompactEncrypt } from 'jose'
import { succeeds, type Target } from '../../../test/fuzz/target.ts'
import {
  type AuthorityKey,
  Bulletin,
  maxAdmissionSize,
  maxEnrolmentSize,
  maxInviteSize,
  maxStatementSize,
  meshIdOf,
  openAdmission,
  readInvite,
  sealAdmission,
  sealEnrolment,
  sealReplacement,
  verifyEnrolment,
  verifyReplacement,
} from '../src/index.ts'
import { fixedKey } from './fixed-key.ts'

const clock = { now: () => 1_700_000_000_000 }
const authority = fixedKey(1)
const node = fixedKey(2)
const older = fixedKey(3)
const peer = node.peerId.toString()
const { x = '' } = authority.signing.export({ format: 'jwk' })
const keys: AuthorityKey[] = [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k1' }]
const mesh = { id: meshIdOf(keys), name: 'm', keys, bootstrap: [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`] }
const bulletin = new Bulletin({ mesh, clock })
const by = { mesh: mesh.id, key: authority.signing, kid: 'k1' }
/** X25519 in PKCS #8 (RFC 8410 section 7). */
const reply = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.alloc(32, 4)]),
  format: 'der',
  type: 'pkcs8',
})
const { x: replyX = '' } = createPublicKey(reply).export({ format: 'jwk' })
const replyTo = { kty: 'OKP', crv: 'X25519', x: replyX } as const
const membership = {
  credential: 'a.b.c~',
  mesh: { ...mesh, secret: 'file:mesh.secret' },
  secret: 'A'.repeat(43),
  bulletin: '',
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const textOf = (octets: Uint8Array) => Buffer.from(octets).toString('latin1')
const badMessage = /^BAD_MESSAGE$/

/** A JWS (RFC 7515) over any payload, to reach what reads the payload. */
function signed(payload: Uint8Array, typ: string, key: KeyObject): string {
  const header = JSON.stringify({ alg: 'EdDSA', typ, kid: 'k1' })
  const input = [Buffer.from(header), payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}

const invitation = json({
  invite: 'a.b.c~d~',
  mesh,
  knock: { secret: 'A'.repeat(43), mask: 'B'.repeat(43), untilMs: clock.now() },
  authority: 'ab'.repeat(32),
})
const read = async (text: string) => await succeeds((async () => readInvite(text))(), /^INVITE_INVALID$/)
const invite = (octets: Uint8Array) => read(`postern-invite:${Buffer.from(octets).toString('base64url')}`)
const claims = { sub: peer, reply: replyTo, credential: 'a.b.c~', replacement: 'a.b.c', overlapMs: 1 }
const enrol = (sealed: string) => succeeds(verifyEnrolment(sealed), badMessage)
const replace = (sealed: string) => succeeds(verifyReplacement(sealed, older.peerId.toString(), peer), badMessage)
const open = (sealed: string) => succeeds(openAdmission(sealed, reply, bulletin), badMessage)

async function encrypted(statement: string): Promise<string> {
  const jwe = new CompactEncrypt(Buffer.from(statement)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
  return await jwe.encrypt(createPublicKey(reply))
}

const target = (
  name: string,
  maxBytes: number,
  seed: () => Uint8Array | Promise<Uint8Array>,
  taken: (octets: Uint8Array) => Promise<boolean>,
): Target => ({ name, maxBytes, whole: true, open: async () => ({ seeds: [await seed()], read: taken }) })

/** What is read of those who want to join, and by them. */
export const enrolmentTargets: readonly Target[] = [
  target(
    'invite-text',
    maxInviteSize,
    () => Buffer.from(`postern-invite:${invitation.toString('base64url')}`),
    (octets) => read(textOf(octets)),
  ),
  target('invite', maxInviteSize, () => invitation, invite),
  target(
    'enrolment',
    maxEnrolmentSize,
    async () => Buffer.from(await sealEnrolment(node, reply, { invite: 'a.b.c~d~' })),
    (octets) => enrol(textOf(octets)),
  ),
  target(
    'enrolment-claims',
    maxEnrolmentSize,
    () => json(claims),
    (octets) => enrol(signed(octets, statementType.enrolment, node.signing)),
  ),
  target(
    'replacement',
    maxStatementSize,
    async () => Buffer.from(await sealReplacement(older, peer)),
    (octets) => replace(textOf(octets)),
  ),
  target(
    'admission',
    maxAdmissionSize,
    async () => Buffer.from(await sealAdmission(membership, replyTo, by)),
    (octets) => open(textOf(octets)),
  ),
  target(
    'admission-claims',
    maxAdmissionSize,
    () => json(membership),
    async (octets) => open(await encrypted(signed(octets, statementType.admission, by.key))),
  ),
]
