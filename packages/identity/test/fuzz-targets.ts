import { createHash, type KeyObject, sign } from 'node:crypto'
import {
  decodeHello,
  decodeSignedRecord,
  encodeHello,
  encodeMessage,
  maxDirectoryMessage,
  maxHeartbeatSize,
  maxHelloSize,
  type SignedRecord,
  sealedRecordSize,
  statementType,
} from '@postern/protocol'
import { succeeds, type Target } from '../../../test/fuzz/target.ts'
import {
  type AuthorityKey,
  Bulletin,
  maxBulletinSize,
  meshIdOf,
  openRecord,
  sealBulletin,
  sealCredential,
  sealHeartbeat,
  sealRecord,
  signRecord,
  subjectOf,
  undisclosed,
  verifierOf,
  verifyHeartbeat,
  verifyRecord,
} from '../src/index.ts'
import { fixedKey } from './fixed-key.ts'

const clock = { now: () => 1_700_000_000_000 }
const nowS = clock.now() / 1000
const authority = fixedKey(1)
const egress = fixedKey(2)
const peer = egress.peerId.toString()
const { x = '' } = authority.signing.export({ format: 'jwk' })
const keys: AuthorityKey[] = [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k1' }]
const mesh = { id: meshIdOf(keys), keys }
const by = { mesh: mesh.id, key: authority.signing, kid: 'k1' }
const verifier = verifierOf(new Bulletin({ mesh, clock }))
const draft = { peer, name: 'n', roles: ['egress'], services: ['api', 'team-*'], lifeMs: 3600_000 } as const
const credentialCodes = /^CREDENTIAL_/

/** A JWS (RFC 7515) over any payload, to reach what reads the payload. */
function signed(payload: Uint8Array, typ: string, key: KeyObject, more: object = {}): string {
  const header = JSON.stringify({ alg: 'EdDSA', typ, kid: 'k1', ...more })
  const input = [Buffer.from(header), payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const digestOf = (disclosure: string) => createHash('sha256').update(disclosure).digest('base64url')
const disclosure = json(['salt', 'services', ['api', 'team-*']])
const claims = {
  iss: mesh.id,
  sub: peer,
  name: 'n',
  roles: ['egress', 'relay'],
  _sd: [digestOf(disclosure.toString('base64url'))],
  _sd_alg: 'sha-256',
  iat: nowS,
  nbf: nowS - 60,
  exp: nowS + 3600,
  jti: 'j',
}
const record = {
  service: 'ab'.repeat(32),
  egress: peer,
  guard: authority.peerId.toString(),
  expiresMs: clock.now() + 1000,
  weight: 1,
}
const list = {
  seq: 1,
  revoked: [{ subject: peer, at: nowS, from: nowS + 9 }],
  signers: keys.map((key) => Object.assign({ until: nowS + 60 }, key)),
  secrets: [{ secret: 'A'.repeat(43), until: nowS + 60 }, { secret: 'B'.repeat(43) }],
}

/** What the end of a link does with the other's first message. */
async function meet(octets: Uint8Array): Promise<boolean> {
  const hello = decodeHello(octets)
  return hello !== undefined && (await succeeds(verifier.invited(hello.credential, peer, 3600_000), credentialCodes))
}

const none = new Uint8Array(0)
const show = (credential: string) => meet(encodeHello({ bulletin: 0, opening: none, credential }))

/** What a node does with a bulletin. */
async function learn(sealed: string): Promise<boolean> {
  return await succeeds(new Bulletin({ mesh, clock }).learn(sealed), credentialCodes)
}

/** What an ingress does with what was inside a sealed record. */
async function believe(inside: SignedRecord): Promise<boolean> {
  return await succeeds(
    (async () => {
      const subject = subjectOf(inside)
      await verifyRecord(inside.record, subject, clock)
      await verifier.credential(inside.credential, subject)
    })(),
    /^(CREDENTIAL_|RECORD_INVALID$)/,
  )
}

/** What an ingress does with a record that a guard has answered with. */
async function find(octets: Uint8Array): Promise<boolean> {
  let inside: SignedRecord | undefined
  const open = async () => {
    inside = openRecord(octets, recordKey)
  }
  if (!(await succeeds(open(), /^RECORD_INVALID$/))) return false
  return inside !== undefined && (await believe(inside))
}

const recordKey = Buffer.alloc(32, 9)
const recordIn = async () => ({
  record: await signRecord(record, egress.signing),
  credential: undisclosed(await sealed()),
})

const sealed = () => sealCredential(draft, by, clock)

export const identityTargets: readonly Target[] = [
  {
    name: 'credential',
    maxBytes: maxHelloSize,
    whole: true,
    async open() {
      const credential = await sealed()
      const shown = [credential, undisclosed(credential)]
      return { seeds: shown.map((each) => encodeHello({ bulletin: 0, opening: none, credential: each })), read: meet }
    },
  },
  {
    name: 'credential-claims',
    maxBytes: maxHelloSize,
    whole: true,
    open: () => ({
      seeds: [json(claims)],
      read: (octets) => show(`${signed(octets, statementType.credential, authority.signing)}~`),
    }),
  },
  {
    name: 'invite-claims',
    maxBytes: maxHelloSize,
    whole: true,
    open: () => ({
      seeds: [json(claims)],
      read: (octets) => show(`${signed(octets, statementType.invite, authority.signing)}~`),
    }),
  },
  {
    name: 'credential-disclosure',
    maxBytes: maxHelloSize,
    whole: true,
    open: () => ({
      seeds: [disclosure],
      read(octets) {
        const text = Buffer.from(octets).toString('base64url')
        const statement = json({ ...claims, _sd: [digestOf(text)] })
        return show(`${signed(statement, statementType.credential, authority.signing)}~${text}~`)
      },
    }),
  },
  {
    name: 'bulletin',
    maxBytes: maxBulletinSize,
    whole: true,
    open: async () => ({
      seeds: [Buffer.from(await sealBulletin(list, by))],
      read: (octets) => learn(Buffer.from(octets).toString('latin1')),
    }),
  },
  {
    name: 'heartbeat',
    maxBytes: maxHeartbeatSize,
    whole: true,
    open: async () => ({
      seeds: [Buffer.from(await sealHeartbeat({ sequence: 1, atMs: clock.now() }, by))],
      async read(octets) {
        const text = Buffer.from(octets).toString('latin1')
        return await succeeds(verifyHeartbeat(text, new Bulletin({ mesh, clock })), /^(CREDENTIAL_|BAD_MESSAGE)/)
      },
    }),
  },
  {
    name: 'bulletin-claims',
    maxBytes: maxBulletinSize,
    whole: true,
    open: () => ({
      seeds: [json({ iss: mesh.id, ...list })],
      read: (octets) => learn(signed(octets, statementType.bulletin, authority.signing, { seq: list.seq })),
    }),
  },
  {
    name: 'sealed-record',
    maxBytes: sealedRecordSize,
    whole: true,
    open: async () => ({ seeds: [sealRecord(await recordIn(), recordKey)], read: find }),
  },
  {
    name: 'record',
    maxBytes: maxDirectoryMessage,
    whole: true,
    open: async () => ({
      seeds: [encodeMessage(await recordIn())],
      async read(octets) {
        const inside = decodeSignedRecord(octets)
        return inside !== undefined && (await believe(inside))
      },
    }),
  },
  {
    name: 'record-claims',
    maxBytes: maxDirectoryMessage,
    whole: true,
    open: async () => {
      const { credential } = await recordIn()
      return {
        seeds: [json(record)],
        async read(octets) {
          const claimed = { record: signed(octets, statementType.record, egress.signing), credential }
          const inside = decodeSignedRecord(encodeMessage(claimed))
          return inside !== undefined && (await believe(inside))
        },
      }
    },
  },
]
