import { fieldValue, type ResponseHead } from '@postern/protocol'

/** Of answers to HEAD, and of these statuses, Content-Length tells what would have been sent (RFC 9110 section 8.6). */
const without = new Set([204, 304])

/**
 * The content that an answer announces, held against what comes: one that sends more would speak for the answers behind
 * it on a kept connection, and one that sends less would keep its client waiting.
 */
export class Announced {
  #left: number | undefined

  /** Whether what the head announces can be held to: one length, and content where it is not 0. */
  take(head: ResponseHead, method: string): boolean {
    const value = fieldValue(head.fields, 'content-length')
    if (value === undefined) return true
    if (!/^\d{1,15}$/.test(value)) return false
    if (method === 'HEAD' || without.has(head.status)) return head.end
    this.#left = Number(value)
    return !head.end || this.#left === 0
  }

  /** Whether so many octets more are among those announced. */
  allows(bytes: number): boolean {
    if (this.#left === undefined) return true
    this.#left -= bytes
    return this.#left >= 0
  }

  /** Whether all has come. */
  get complete(): boolean {
    return this.#left === undefined || this.#left === 0
  }
}
