import { OctetReader, OctetWriter } from './octets.ts'

/** What a node says before it hands over a bulletin: which one it is, and the newest heartbeat of the authority. */
export interface BulletinOffer {
  readonly sequence: number
  /** A JWS; empty where none is known. */
  readonly heartbeat: string
}

export const maxHeartbeatSize = 1024
export const maxOfferSize = maxHeartbeatSize + 8

/** The one octet after an offer, and after the bulletin: it is wanted; nothing is, or all was taken. */
export const offerAnswer = { wanted: 1, taken: 2 } as const

export function encodeBulletinOffer({ heartbeat, sequence }: BulletinOffer): Buffer {
  return new OctetWriter(512).u64(sequence).latin1(heartbeat).finish()
}

/** Undefined when the octets are no offer. */
export function decodeBulletinOffer(octets: Uint8Array): BulletinOffer | undefined {
  const reader = new OctetReader(octets)
  const sequence = reader.u64()
  const heartbeat = reader.latin1(Math.max(reader.remaining, 0))
  if (!reader.complete || heartbeat.length > maxHeartbeatSize) return undefined
  return /^([\w-]+\.[\w-]+\.[\w-]+)?$/.test(heartbeat) ? { sequence, heartbeat } : undefined
}
