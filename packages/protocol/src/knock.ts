import { OctetReader, OctetWriter } from './octets.ts'

/** The first octets on a link: nonce(16) time(8, ms since the epoch) proof(32). Protocols page, section 2. */
export const knockSize = 56
export const knockNonceSize = 16
export const knockProofSize = 32
export const knockLabel = 'postern knock 1'
/** How far a knock's time may be from the listener's. */
export const knockToleranceMs = 60_000

export interface Knock {
  readonly nonce: Uint8Array
  readonly timeMs: number
  readonly proof: Uint8Array
}

export function encodeKnock(knock: Knock): Buffer {
  return new OctetWriter(knockSize).octets(knock.nonce).u64(knock.timeMs).octets(knock.proof).finish()
}

/** Undefined when the octets are no knock. */
export function decodeKnock(octets: Uint8Array): Knock | undefined {
  const reader = new OctetReader(octets)
  const knock = { nonce: reader.octets(knockNonceSize), timeMs: reader.u64(), proof: reader.octets(knockProofSize) }
  return reader.complete ? knock : undefined
}

/** What the proof is computed over: label, listener's peer id (text form), nonce, time. */
export function knockProofInput(listener: string, nonce: Uint8Array, timeMs: number): Buffer {
  return new OctetWriter(128).latin1(knockLabel).latin1(listener).octets(nonce).u64(timeMs).finish()
}
