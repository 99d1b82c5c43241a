import type { PeerName } from './names.ts'

/** A service's id in the directory: HMAC-SHA256(mesh secret, service name), 64 hexadecimal characters. */
export type ServiceId = string

export const recordLifeMs = 5 * 60_000
export const recordRefreshMs = 60_000
export const maxRecordsPerGuard = 4096
export const maxRecordsPerPeer = 64
/** A record as a JWS, of which a guard can answer with several. */
export const maxRecordSize = 1024
export const maxDirectoryMessage = 16 * 1024
/** Records one lookup answers with at most; the answer is padded to `lookupAnswerSize` so that its length says nothing. */
export const maxRecordsPerAnswer = 8
export const lookupAnswerSize = 16 * 1024

/** What an egress tells a guard about one service; signed by the egress (typ `postern-record+jwt`). */
export interface ServiceRecord {
  readonly service: ServiceId
  readonly egress: PeerName
  readonly sequence: number
  readonly expiresMs: number
  readonly weight: number
  readonly draining: boolean
}

/** A record as it travels: its own signature, and the credential of the egress that signed it, undisclosed. */
export interface SignedRecord {
  readonly record: string
  readonly credential: string
}

export interface RelayAddress {
  readonly peer: PeerName
  /** Multiaddrs in text form, without the peer id. */
  readonly addresses: readonly string[]
}

/** Messages of the guard protocol, egress to guard; each is answered by `{ ok, code? }`. */
export type GuardRequest =
  | { readonly type: 'register'; readonly record: string }
  | { readonly type: 'withdraw'; readonly record: string }
export interface GuardAnswer {
  readonly ok: boolean
  readonly code?: string
}

/** Messages of the lookup protocol, any member to a relay. */
export type LookupRequest = { readonly type: 'relays' } | { readonly type: 'guards'; readonly service: ServiceId }
export interface LookupAnswer {
  readonly relays: readonly RelayAddress[]
}

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
  message: GuardRequest | GuardAnswer | LookupRequest | LookupAnswer | readonly SignedRecord[],
): Buffer {
  return Buffer.from(JSON.stringify(message))
}

const text = (value: unknown, max: number): value is string => typeof value === 'string' && value.length <= max
const jws = (value: unknown, max = 4096): value is string => text(value, max) && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value)
const sdJwt = (value: unknown): value is string => text(value, 4096) && /^[\w-]+\.[\w-]+\.[\w-]+~$/.test(value)
const serviceId = (value: unknown): value is ServiceId => text(value, 64) && /^[0-9a-f]{64}$/.test(value)

export function decodeGuardRequest(octets: Uint8Array): GuardRequest | undefined {
  const message = parse(octets)
  if (message === undefined || !jws(message['record'], maxRecordSize)) return undefined
  const type = message['type']
  return type === 'register' || type === 'withdraw' ? { type, record: message['record'] } : undefined
}

export function decodeGuardAnswer(octets: Uint8Array): GuardAnswer | undefined {
  const message = parse(octets)
  if (message === undefined || typeof message['ok'] !== 'boolean') return undefined
  const code = message['code']
  return text(code, 64) ? { ok: message['ok'], code } : { ok: message['ok'] }
}

export function decodeLookupRequest(octets: Uint8Array): LookupRequest | undefined {
  const message = parse(octets)
  if (message?.['type'] === 'relays') return { type: 'relays' }
  return message?.['type'] === 'guards' && serviceId(message['service'])
    ? { type: 'guards', service: message['service'] }
    : undefined
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

export function decodeSignedRecords(octets: Uint8Array): readonly SignedRecord[] | undefined {
  if (octets.byteLength > lookupAnswerSize) return undefined
  try {
    const list: unknown = JSON.parse(Buffer.from(octets).toString('utf8'))
    if (!Array.isArray(list) || list.length > maxRecordsPerAnswer) return undefined
    const whole = (list as Loose[]).every((item) => jws(item?.['record']) && sdJwt(item['credential']))
    return whole ? (list as SignedRecord[]) : undefined
  } catch {
    return undefined
  }
}

/** A record's claims, checked field by field. Undefined when they are none. */
export function readServiceRecord(claims: Loose): ServiceRecord | undefined {
  const { service, egress, sequence, expiresMs, weight, draining } = claims
  if (!serviceId(service) || !text(egress, 128) || typeof draining !== 'boolean') return undefined
  if (![sequence, expiresMs, weight].every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) return undefined
  return {
    service,
    egress,
    draining,
    sequence: sequence as number,
    expiresMs: expiresMs as number,
    weight: weight as number,
  }
}
