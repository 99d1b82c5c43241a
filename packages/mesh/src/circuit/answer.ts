import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import {
  decodeSignedRecords,
  encodeMessage,
  lookupAnswerSize,
  PosternError,
  type SignedRecord,
} from '@postern/protocol'
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

/**
 * Answers a lookup that came over a circuit: as many of the records as have room, padded and sealed to the asker, so that
 * the relays between learn neither what was found nor how much, and the guard not who asked.
 */
export async function answerLookup(stream: Stream, replyKey: Buffer, records: readonly SignedRecord[]): Promise<void> {
  let text = encodeMessage(records)
  for (let count = records.length - 1; text.length > lookupAnswerSize; count--)
    text = encodeMessage(records.slice(0, count))
  stream.send(sealLookup(text, replyKey))
  await endStream(stream, deadlineMs)
}

/**
 * Reads what `answerLookup` wrote, and resets the circuit whatever comes of it: nothing more is to be said on it, and
 * relays count it for as long as it is open. Throws BAD_MESSAGE when the answer is not from the end that was asked, and
 * what libp2p throws where none comes before the signal.
 */
export async function readLookup(
  stream: Stream,
  replyKey: Buffer,
  signal: AbortSignal,
): Promise<readonly SignedRecord[]> {
  try {
    return openLookup((await byteStream(stream).read({ bytes: sealedSize, signal })).subarray(), replyKey)
  } finally {
    stream.abort(new Error('the lookup is over'))
  }
}

/** An answer as it travels. Throws a RangeError when the text does not fit. */
export function sealLookup(text: Uint8Array, replyKey: Buffer): Buffer {
  if (text.byteLength > lookupAnswerSize) throw new RangeError('a lookup answer has a fixed size')
  const answer = Buffer.alloc(lookupAnswerSize, ' ')
  answer.set(text)
  const seal = createCipheriv(cipher, replyKey, nonce, { authTagLength: tagSize })
  const sealed = Buffer.concat([seal.update(answer), seal.final()])
  return Buffer.concat([sealed, seal.getAuthTag()], sealedSize)
}

/** The records of an answer. Throws BAD_MESSAGE when it was not sealed with the key, or holds none. */
export function openLookup(octets: Uint8Array, replyKey: Buffer): readonly SignedRecord[] {
  const open = createDecipheriv(cipher, replyKey, nonce, { authTagLength: tagSize })
  try {
    open.setAuthTag(octets.subarray(lookupAnswerSize))
    const records = decodeSignedRecords(
      Buffer.concat([open.update(octets.subarray(0, lookupAnswerSize)), open.final()]),
    )
    if (records !== undefined) return records
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'the answer to a lookup was altered', { cause })
  }
  throw new PosternError('BAD_MESSAGE', 'the answer to a lookup holds no records')
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
