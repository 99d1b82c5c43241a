import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import {
  decodeLookupAnswer,
  decodeSealedRecords,
  encodeMessage,
  encodeSealedRecords,
  lookupAnswerSize,
  PosternError,
  type RelayAddress,
} from '@postern/protocol'
import { plausible } from '../link/address.ts'
import { endStream } from '../stream-end.ts'

const tagSize = 16
const sealedSize = lookupAnswerSize + tagSize
const deadlineMs = 5000
const cipher = 'chacha20-poly1305'
/** Each reply key serves one answer, so one nonce does. */
const nonce = Buffer.alloc(12)
/** Octets that one echo circuit returns, and how long it lasts. */
const echoBytes = 64 * 1024
const echoMs = 10_000

/** Answers a lookup at a guard: the guard does not learn who asks, and the relays between not what it holds. */
export async function answerLookup(stream: Stream, replyKey: Buffer, records: readonly Uint8Array[]): Promise<void> {
  await send(stream, replyKey, encodeSealedRecords(records))
}

/** Answers which relays guard an id: as many of them as have room. */
export async function answerGuards(stream: Stream, replyKey: Buffer, relays: readonly RelayAddress[]): Promise<void> {
  let text = encodeMessage({ relays })
  for (let count = relays.length - 1; text.length > lookupAnswerSize; count--)
    text = encodeMessage({ relays: relays.slice(0, count) })
  await send(stream, replyKey, text)
}

async function send(stream: Stream, replyKey: Buffer, octets: Uint8Array): Promise<void> {
  stream.send(sealLookup(octets, replyKey))
  await endStream(stream, deadlineMs)
}

/** Reads what `answerLookup` wrote. Throws as `read` does. */
export async function readLookup(
  stream: Stream,
  replyKey: Buffer,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  return recordsIn(await read(stream, replyKey, signal))
}

/** Reads what `answerGuards` wrote; what cannot be a relay is left out. Throws as `read` does. */
export async function readGuards(
  stream: Stream,
  replyKey: Buffer,
  signal: AbortSignal,
): Promise<readonly RelayAddress[]> {
  return plausible(guardsIn(await read(stream, replyKey, signal)))
}

/** The records that an answer holds. Throws BAD_MESSAGE. */
export function recordsIn(answer: Uint8Array): readonly Uint8Array[] {
  return decodeSealedRecords(answer) ?? fail('the answer to a lookup holds no records')
}

/** The relays that an answer names. Throws BAD_MESSAGE. */
export function guardsIn(answer: Uint8Array): readonly RelayAddress[] {
  return decodeLookupAnswer(answer)?.relays ?? fail('the answer to a lookup names no relays')
}

function fail(reason: string): never {
  throw new PosternError('BAD_MESSAGE', reason)
}

/**
 * Reads an answer, and resets the circuit whatever comes of it: nothing more is to be said on it, and relays count it for
 * as long as it is open. Throws BAD_MESSAGE when the answer is not from the end that was asked, and what libp2p throws
 * where none comes before the signal.
 */
async function read(stream: Stream, replyKey: Buffer, signal: AbortSignal): Promise<Buffer> {
  try {
    return openLookup((await byteStream(stream).read({ bytes: sealedSize, signal })).subarray(), replyKey)
  } finally {
    stream.abort(new Error('the lookup is over'))
  }
}

/** An answer as it travels: padded and sealed. Throws a RangeError when it does not fit. */
export function sealLookup(octets: Uint8Array, replyKey: Buffer): Buffer {
  if (octets.byteLength > lookupAnswerSize) throw new RangeError('a lookup answer has a fixed size')
  const padded = Buffer.alloc(lookupAnswerSize, ' ')
  padded.set(octets)
  const seal = createCipheriv(cipher, replyKey, nonce, { authTagLength: tagSize })
  const sealed = Buffer.concat([seal.update(padded), seal.final()])
  return Buffer.concat([sealed, seal.getAuthTag()], sealedSize)
}

/** What an answer says, and its padding. Throws BAD_MESSAGE when it was not sealed with the key. */
export function openLookup(octets: Uint8Array, replyKey: Buffer): Buffer {
  const open = createDecipheriv(cipher, replyKey, nonce, { authTagLength: tagSize })
  try {
    open.setAuthTag(octets.subarray(lookupAnswerSize))
    return Buffer.concat([open.update(octets.subarray(0, lookupAnswerSize)), open.final()])
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'the answer to a lookup was altered', { cause })
  }
}

/** Returns what arrives, up to a ceiling and for a few seconds: a circuit's round-trip time, measured at its end. */
export async function answerEcho(stream: Stream): Promise<void> {
  const bytes = byteStream(stream, { maxBufferSize: echoBytes })
  const signal = AbortSignal.timeout(echoMs)
  let returned = 0
  for (;;) {
    const piece = await bytes.read({ signal })
    if (piece === null) break
    returned += piece.byteLength
    if (returned > echoBytes) throw new PosternError('BAD_MESSAGE', 'an echo circuit carries little')
    await bytes.write(piece, { signal })
  }
  await stream.close({ signal })
}
