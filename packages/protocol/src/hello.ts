import { OctetReader, OctetWriter } from './octets.ts'

/** What each side of an encrypted link says first: its credential and the sequence of its bulletin. */
export interface Hello {
  readonly bulletin: number
  /** An SD-JWT, RFC 9901. */
  readonly credential: string
}

export const maxCredentialSize = 4096
export const maxHelloSize = maxCredentialSize + 16

/** What follows the hello of the other side: whether its credential was taken. */
export interface HelloAnswer {
  readonly accepted: boolean
  /** What our own credential discloses, where it is to; empty where it is not. */
  readonly disclosure: string
}

const accepted = 1
const refused = 2

export function encodeHello(hello: Hello): Buffer {
  return new OctetWriter(512).u64(hello.bulletin).latin1(hello.credential).finish()
}

/** Undefined when the octets are no hello. */
export function decodeHello(octets: Uint8Array): Hello | undefined {
  const reader = new OctetReader(octets)
  const bulletin = reader.u64()
  const credential = reader.latin1(Math.max(reader.remaining, 0))
  if (!reader.complete || credential.length > maxCredentialSize) return undefined
  return /^[\w-]+\.[\w-]+\.[\w-]+~([\w-]+~)?$/.test(credential) ? { bulletin, credential } : undefined
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
