import { OctetReader, OctetWriter } from './octets.ts'

/** What each side of an encrypted link says first: its credential and the sequence of its bulletin. */
export interface Hello {
  readonly bulletin: number
  /** An SD-JWT, RFC 9901. */
  readonly credential: string
}

export const maxCredentialSize = 4096
export const maxHelloSize = maxCredentialSize + 16

/** The one octet after the hello: whether the other's credential was taken. */
export const helloAnswer = { accepted: 1, refused: 2 } as const

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
