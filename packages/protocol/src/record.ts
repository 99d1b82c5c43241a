import type { PeerName } from './names.ts'

/** A service's id at its guards on one day, 64 hexadecimal characters: see `serviceIdOf` of identity. */
export type ServiceId = string
/** What an id is looked for by in the DHT, 64 hexadecimal characters. */
export type DirectoryKey = string

export const recordLifeMs = 5 * 60_000
export const recordRefreshMs = 60_000
export const maxRecordsPerGuard = 8192
/** 64 services under two mesh secrets, on two days. */
export const maxRecordsPerPeer = 256
/** A record as a guard holds it: nonce, ciphertext and tag, of one size whatever is inside. */
export const sealedRecordSize = 1984
export const maxDirectoryMessage = 16 * 1024
/** Records one lookup answers with at most; every answer is padded to `lookupAnswerSize` so that its length says nothing. */
export const maxRecordsPerAnswer = 8
export const lookupAnswerSize = 16 * 1024

/** What an egress says of one service, for those who find it at one guard; signed by the egress (typ `postern-record+jwt`). */
export interface ServiceRecord {
  readonly service: ServiceId
  readonly egress: PeerName
  /** The guard that it was given to: elsewhere it counts for nothing. */
  readonly guard: PeerName
  readonly expiresMs: number
  readonly weight: number
}

/** What is inside a sealed record: what the egress has signed, and its credential, undisclosed. */
export interface SignedRecord {
  readonly record: string
  readonly credential: string
}

export interface RelayAddress {
  readonly peer: PeerName
  /** Multiaddrs in text form, without the peer id. */
  readonly addresses: readonly string[]
}

/** Messages of the guard protocol, egress to guard; each is answered by `{ ok, code? }`. A record is sealed, base64url. */
export type GuardRequest =
  | { readonly type: 'register'; readonly service: ServiceId; readonly record: string }
  | { readonly type: 'withdraw'; readonly service: ServiceId }
export interface GuardAnswer {
  readonly ok: boolean
  readonly code?: string
}

/** Messages of the lookup protocol, any member to a relay. */
export interface LookupRequest {
  readonly type: 'relays'
}
export interface LookupAnswer {
  readonly relays: readonly RelayAddress[]
}

/** Base64url without padding. */
const sealedTextSize = Math.ceil((sealedRecordSize * 4) / 3)

type Loose = Readonly<Record<string, unknown>>

function parse(octets: Uint8Array): Loose | undefined {
  if (octets.byteLength > maxDirectoryMessage) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : undefined
  } catch {
    return undefined
  }
}

export function encodeMessage(
  message: GuardRequest | GuardAnswer | LookupRequest | LookupAnswer | SignedRecord,
): Buffer {
  return Buffer.from(JSON.stringify(message))
}

const text = (value: unknown, max: number): value is string => typeof value === 'string' && value.length <= max
const jws = (value: unknown): value is string => text(value, sealedRecordSize) && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value)
const sdJwt = (value: unknown): value is string =>
  text(value, sealedRecordSize) && /^[\w-]+\.[\w-]+\.[\w-]+~$/.test(value)
const sealed = (value: unknown): value is string =>
  text(value, sealedTextSize) && value.length === sealedTextSize && /^[\w-]+$/.test(value)
const serviceId = (value: unknown): value is ServiceId => text(value, 64) && /^[0-9a-f]{64}$/.test(value)

export function decodeGuardRequest(octets: Uint8Array): GuardRequest | undefined {
  const message = parse(octets)
  const service = message?.['service']
  if (message === undefined || !serviceId(service)) return undefined
  if (message['type'] === 'withdraw') return { type: 'withdraw', service }
  const { record } = message
  return message['type'] === 'register' && sealed(record) ? { type: 'register', service, record } : undefined
}

export function decodeGuardAnswer(octets: Uint8Array): GuardAnswer | undefined {
  const message = parse(octets)
  if (message === undefined || typeof message['ok'] !== 'boolean') return undefined
  const code = message['code']
  return text(code, 64) ? { ok: message['ok'], code } : { ok: message['ok'] }
}

export function decodeLookupRequest(octets: Uint8Array): LookupRequest | undefined {
  return parse(octets)?.['type'] === 'relays' ? { type: 'relays' } : undefined
}

export function decodeLookupAnswer(octets: Uint8Array): LookupAnswer | undefined {
  const list = parse(octets)?.['relays']
  if (!Array.isArray(list) || list.length > 256) return undefined
  const relays: RelayAddress[] = []
  for (const item of list as unknown[]) {
    const { peer, addresses } = (item ?? {}) as Loose
    if (!text(peer, 128) || !Array.isArray(addresses) || addresses.length > 16) return undefined
    if (!addresses.every((address) => text(address, 256))) return undefined
    relays.push({ peer, addresses })
  }
  return { relays }
}

export function decodeSignedRecord(octets: Uint8Array): SignedRecord | undefined {
  const message = parse(octets)
  if (message === undefined) return undefined
  const { credential, record } = message
  return jws(record) && sdJwt(credential) ? { record, credential } : undefined
}

/** How many there are, then each. Throws a RangeError where they have no room in an answer. */
export function encodeSealedRecords(records: readonly Uint8Array[]): Buffer {
  if (records.length > maxRecordsPerAnswer || records.some(({ byteLength }) => byteLength !== sealedRecordSize))
    throw new RangeError('an answer has a few sealed records')
  return Buffer.concat([Buffer.of(records.length), ...records])
}

/** Undefined when the octets, which may be followed by padding, hold no records. */
export function decodeSealedRecords(octets: Uint8Array): readonly Uint8Array[] | undefined {
  const [count = Number.POSITIVE_INFINITY] = octets
  if (octets.byteLength > lookupAnswerSize) return undefined
  if (count > maxRecordsPerAnswer || octets.byteLength < 1 + count * sealedRecordSize) return undefined
  const at = (index: number) => 1 + index * sealedRecordSize
  return Array.from({ length: count }, (_, index) => octets.subarray(at(index), at(index + 1)))
}

/** A record's claims, checked field by field. Undefined when they are none. */
export function readServiceRecord(claims: Loose): ServiceRecord | undefined {
  const { egress, expiresMs, guard, service, weight } = claims
  if (!serviceId(service) || !text(egress, 128) || !text(guard, 128)) return undefined
  if (![expiresMs, weight].every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) return undefined
  return { service, egress, guard, expiresMs: expiresMs as number, weight: weight as number }
}
