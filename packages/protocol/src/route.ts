import { OctetReader, OctetWriter } from './octets.ts'

/**
 * A sealed route is `slots` sealed layers of `slotSize` octets, whatever the number of hops, so that neither its length
 * nor its place tells how far the way goes on. A layer is HPKE (RFC 9180): encapsulated key, then ciphertext with tag.
 */
export const slots = 4
export const slotSize = 512
export const routeSize = slots * slotSize
export const sealOverhead = 32 + 16
export const layerSize = slotSize - sealOverhead

export const maxRelays = slots - 1
/** How long a route may be valid; a hop keeps the nonces of that time to refuse replays. */
export const routeLifeMs = 30_000

/** What the end of a circuit is asked to be: a guard for its records in a `lookup`, any relay for the `guards` of an id. */
export const purpose = { trunk: 0, lookup: 1, echo: 2, guards: 3 } as const
export type Purpose = keyof typeof purpose
const purposes = Object.keys(purpose) as Purpose[]

export interface Forward {
  readonly kind: 'forward'
  /** Peer id of the next hop, as the octets of its multihash. */
  readonly next: Uint8Array
  /**
   * Whether the next hop is a relay, which this hop may dial where it knows it; if not, it keeps a link to this hop. A
   * route names no address: where a relay is reached is for the hop to know, not for who sealed the route to say.
   */
  readonly dial: boolean
  /** Key of the stream that uncovers the remaining layers for the next hop. */
  readonly key: Uint8Array
}

export interface End {
  readonly kind: 'end'
  readonly purpose: Purpose
  /** The service id or the directory key that is asked for; empty for other purposes. */
  readonly subject: Uint8Array
}

/** What one hop reads when it opens its layer. */
export interface Layer {
  readonly expiresMs: number
  readonly nonce: Uint8Array
  readonly instruction: Forward | End
}

const version = 2
const nonceSize = 16
const keySize = 32
const maxPeerIdSize = 64

export function encodeLayer(layer: Layer): Buffer {
  const writer = new OctetWriter(layerSize)
  const { instruction } = layer
  writer.u8(version).u64(layer.expiresMs).octets(layer.nonce)
  if (instruction.kind === 'forward') {
    writer.u8(0).octets(instruction.key).u8(instruction.next.byteLength).octets(instruction.next)
    writer.u8(instruction.dial ? 1 : 0)
  } else {
    writer.u8(1).u8(purpose[instruction.purpose]).u8(instruction.subject.byteLength).octets(instruction.subject)
  }
  if (writer.length > layerSize)
    throw new RangeError(`a layer takes ${layerSize} octets, this one has ${writer.length}`)
  return writer.octets(Buffer.alloc(layerSize - writer.length)).finish()
}

/** Undefined when the octets are no layer. */
export function decodeLayer(octets: Uint8Array): Layer | undefined {
  if (octets.byteLength !== layerSize) return undefined
  const reader = new OctetReader(octets)
  if (reader.u8() !== version) return undefined
  const expiresMs = reader.u64()
  const nonce = reader.octets(nonceSize)
  const kind = reader.u8()
  if (kind > 1) return undefined
  const instruction = kind === 0 ? readForward(reader) : readEnd(reader)
  return instruction === undefined || reader.bad ? undefined : { expiresMs, nonce, instruction }
}

function readForward(reader: OctetReader): Forward | undefined {
  const key = reader.octets(keySize)
  const peerIdSize = reader.u8()
  if (peerIdSize === 0 || peerIdSize > maxPeerIdSize) return undefined
  const next = reader.octets(peerIdSize)
  const dial = reader.u8()
  return dial > 1 ? undefined : { kind: 'forward', key, next, dial: dial === 1 }
}

function readEnd(reader: OctetReader): End | undefined {
  const name = purposes[reader.u8()]
  const subject = reader.octets(reader.u8())
  return name === undefined ? undefined : { kind: 'end', purpose: name, subject }
}

/** The one octet that comes back over a new circuit: from its end, or from the hop where it broke. */
export const circuitAnswers = ['OK', 'REFUSED', 'BUSY', 'EXPIRED', 'UNREACHABLE', 'REVOKED', 'INVALID'] as const
export type CircuitAnswer = (typeof circuitAnswers)[number]

export function encodeCircuitAnswer(answer: CircuitAnswer): Uint8Array {
  return Uint8Array.of(circuitAnswers.indexOf(answer))
}

export function decodeCircuitAnswer(octet: number | undefined): CircuitAnswer {
  return circuitAnswers[octet ?? -1] ?? 'INVALID'
}
