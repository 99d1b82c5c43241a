import { knockOpeningSize } from './knock.ts'
import { OctetReader, OctetWriter } from './octets.ts'

/** What each side of an encrypted link says first: its credential and the sequence of its bulletin. */
export interface Hello {
  readonly bulletin: number
  /** Of the one who has knocked, what the nonce of the knock was made of; empty in every other hello. */
  readonly opening: Uint8Array
  /** An SD-JWT, RFC 9901. */
  readonly credential: string
}

export const maxCredentialSize = 4096
export const maxHelloSize = maxCredentialSize + 64

/** What follows the hello of the other side: whether its credential was taken. */
export interface HelloAnswer {
  readonly accepted: boolean
  /** What our own credential discloses, where it is to; empty where it is not. */
  readonly disclosure: string
}

const accepted = 1
const refused = 2

export function encodeHello(hello: Hello): Buffer {
  const writer = new OctetWriter(512).u64(hello.bulletin).u8(hello.opening.byteLength)
  return writer.octets(hello.opening).latin1(hello.credential).finish()
}

/** Undefined when the octets are no hello. */
export function decodeHello(octets: Uint8Array): Hello | undefined {
  const reader = new OctetReader(octets)
  const bulletin = reader.u64()
  const opening = reader.octets(reader.u8())
  const credential = reader.latin1(Math.max(reader.remaining, 0))
  if (!reader.complete || credential.length > maxCredentialSize) return undefined
  if (opening.byteLength !== 0 && opening.byteLength !== knockOpeningSize) return undefined
  return /^[\w-]+\.[\w-]+\.[\w-]+~([\w-]+~)?$/.test(credential) ? { bulletin, opening, credential } : undefined
}

export function encodeHelloAnswer(answer: { readonly accepted: boolean; readonly disclosure?: string }): Buffer {
  return new OctetWriter(64)
    .u8(answer.accepted ? accepted : refused)
    .latin1(answer.disclosure ?? '')
    .finish()
}

/** Undefined when the octets are no answer. */
export function decodeHelloAnswer(octets: Uint8Array): HelloAnswer | undefined {
  const reader = new OctetReader(octets)
  const answer = reader.u8()
  const disclosure = reader.latin1(Math.max(reader.remaining, 0))
  if (!reader.complete || disclosure.length > maxCredentialSize || !/^[\w-]*$/.test(disclosure)) return undefined
  if (answer === refused) return disclosure === '' ? { accepted: false, disclosure } : undefined
  return answer === accepted ? { accepted: true, disclosure } : undefined
}
