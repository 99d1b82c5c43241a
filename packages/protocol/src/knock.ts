import { OctetReader, OctetWriter } from './octets.ts'

/**
 * The first octets on a link: nonce(16, the first octets of the SHA-256 of 32 random ones), then under a mask time(8, ms since the epoch) until(8, ms, 0 for a member)
 * padding(1) proof(32), then as many random octets as `padding` says. Without the key of the mask all of it is random.
 */
export const knockNonceSize = 16
/** What a nonce is made of, which only who has knocked can say. */
export const knockOpeningSize = 32
export const knockProofSize = 32
export const knockHeadSize = knockNonceSize + 8 + 8 + 1 + knockProofSize
export const maxKnockPadding = 255
export const knockLabel = 'postern knock 2'
export const knockMaskLabel = 'postern knock mask 2'
/** How far a knock's time may be from the listener's. */
export const knockToleranceMs = 60_000

export interface Knock {
  readonly nonce: Uint8Array
  readonly timeMs: number
  /** Until when the right to knock is good, where it comes from an invite; 0 for a member's. */
  readonly untilMs: number
  /** Random octets between the head of the knock and TLS. */
  readonly padding: number
  readonly proof: Uint8Array
}

/** The head of a knock, before its mask is applied. */
export function encodeKnock({ nonce, padding, proof, timeMs, untilMs }: Knock): Buffer {
  const writer = new OctetWriter(knockHeadSize)
  return writer.octets(nonce).u64(timeMs).u64(untilMs).u8(padding).octets(proof).finish()
}

/** Undefined when the octets are no head of a knock. */
export function decodeKnock(octets: Uint8Array): Knock | undefined {
  const reader = new OctetReader(octets)
  const nonce = reader.octets(knockNonceSize)
  const times = { timeMs: reader.u64(), untilMs: reader.u64() }
  const knock = { nonce, ...times, padding: reader.u8(), proof: reader.octets(knockProofSize) }
  return reader.complete ? knock : undefined
}

/** What the proof is computed over: label, listener's peer id (text form), and what comes before the proof. */
export function knockProofInput(listener: string, knock: Omit<Knock, 'proof'>): Buffer {
  const writer = new OctetWriter(128).latin1(knockLabel).latin1(listener).octets(knock.nonce)
  return writer.u64(knock.timeMs).u64(knock.untilMs).u8(knock.padding).finish()
}

/** What the key of the mask is derived over: label, listener's peer id (text form), nonce. */
export function knockMaskInput(listener: string, nonce: Uint8Array): Buffer {
  return new OctetWriter(128).latin1(knockMaskLabel).latin1(listener).octets(nonce).finish()
}
