import { createHash, createHmac } from 'node:crypto'
import type { DirectoryKey, ServiceId, ServiceName } from '@postern/protocol'

/** What an authority registers as at its guards; no service has such a name. */
export const authorityService: ServiceName = '.authority'

/** Finds a service and opens its records on every day: HMAC-SHA256(mesh secret, name), 64 hexadecimal characters. */
export type LookupKey = string

const dayMs = 24 * 3600_000
/** Before and after the change of a day the ids of both are registered for so long. Clocks differ by a minute or two. */
const overlapMs = 3600_000

/** The day at a time, UTC: the one whose ids are looked for. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs)
}

/** The days whose ids are registered at a time: one, or two around the change. */
export function daysAround(timeMs: number): readonly number[] {
  return [...new Set([dayOf(timeMs - overlapMs), dayOf(timeMs + overlapMs)])]
}

export function lookupKeyOf(secret: Buffer, service: ServiceName): LookupKey {
  return createHmac('sha256', secret).update(`postern service 2 ${service}`).digest('hex')
}

/** What stands for a service on one day at its guards. Ids of two days have nothing in common. */
export function serviceIdOf(key: LookupKey, day: number): ServiceId {
  return derived(key, 'id', day).toString('hex')
}

/** Whether an id stands for a service at a time, or on the day before or after: clocks differ. */
export function isIdOf(service: ServiceName, id: ServiceId, secrets: readonly Buffer[], timeMs: number): boolean {
  const today = dayOf(timeMs)
  const days = [today - 1, today, today + 1]
  return secrets.some((secret) => days.some((day) => serviceIdOf(lookupKeyOf(secret, service), day) === id))
}

/** Seals the records of a service on one day: an id does not open what is registered under it. */
export function recordKeyOf(key: LookupKey, day: number): Buffer {
  return derived(key, 'record', day)
}

function derived(key: LookupKey, use: 'id' | 'record', day: number): Buffer {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(`postern ${use} 2 ${day}`).digest()
}

/** What stands for an id in the DHT: who keeps or looks for it there cannot ask a guard by it. */
export function directoryKeyOf(id: ServiceId): DirectoryKey {
  return createHash('sha256').update(`postern directory 2 ${id}`).digest('hex')
}

/** The secret with which one who is invited knocks until a time, in ms: of no use after it, and not the mesh's. */
export function inviteSecretOf(secret: Buffer, untilMs: number): Buffer {
  return createHmac('sha256', secret).update(`postern invite 1 ${untilMs}`).digest()
}

/**
 * The key that masks knocks. It opens no door: whoever holds it, as the invited do, can tell what is a knock and what
 * is not, and needs a secret beside it to make one.
 */
export function knockMaskOf(secret: Buffer): Buffer {
  return createHmac('sha256', secret).update('postern knock mask 1').digest()
}
