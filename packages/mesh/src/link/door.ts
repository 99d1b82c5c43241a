import { createHmac } from 'node:crypto'
import type { Socket } from 'node:net'
import { type Knock, knockHeadSize, PosternError } from '@postern/protocol'
import { later } from '../deadline.ts'
import type { KnockJudge, KnockRefusal } from './knock.ts'
import type { Unproved } from './unproved.ts'

const leastQuietMs = 20_000
const quietRangeMs = 40_000
/** Time for the other side to close as well, once this one has. */
const closingMs = 5000

/** How long a listener bears a connection that has not knocked well: of each listener its own, and the same at each start. */
export function quietMsOf(seed: Uint8Array): number {
  const drawn = createHmac('sha256', seed).update('postern quiet 1').digest().readUInt32BE()
  return leastQuietMs + (drawn % quietRangeMs)
}

export interface DoorInit {
  readonly judge: KnockJudge
  readonly unproved: Unproved
  /** From the connection on, how long one is borne that has not knocked well. */
  readonly quietMs: number
  readonly refused: (reason: KnockRefusal) => void
}

/**
 * Where connections arrive. Until a good knock has come whole, a listener says nothing and reads all that is said, and
 * it closes when its time is up: a time that runs from the connection on and depends on nothing that was sent. All that
 * was sent has been read by then, so the kernel closes with FIN in every case, never with RST.
 */
export class Door {
  readonly #init: DoorInit

  constructor(init: DoorInit) {
    this.#init = init
  }

  /**
   * Takes a paused socket. Answers with the knock when a good one has come, and leaves what followed it on the socket, which is paused. Throws
   * KNOCK_REFUSED once the socket is closed.
   */
  async enter(socket: Socket, signal: AbortSignal): Promise<Knock> {
    const { judge, quietMs, refused, unproved } = this.#init
    const { promise, reject, resolve } = Promise.withResolvers<Knock>()
    let octets = Buffer.alloc(0)
    let knock: Knock | undefined
    let refusal: KnockRefusal | undefined
    const refuse = (reason: KnockRefusal) => {
      if (refusal === undefined) refused(reason)
      refusal ??= reason
      octets = Buffer.alloc(0)
    }
    const hear = (piece: Buffer) => {
      if (refusal !== undefined) return
      octets = Buffer.concat([octets, piece])
      if (knock === undefined && octets.length >= knockHeadSize) {
        const judged = judge.judge(octets.subarray(0, knockHeadSize))
        if (typeof judged === 'string') return refuse(judged)
        knock = judged
      }
      if (knock === undefined || octets.length < knockHeadSize + knock.padding) return
      socket.pause()
      const rest = octets.subarray(knockHeadSize + knock.padding)
      if (rest.length > 0) socket.unshift(rest)
      resolve(knock)
    }
    const over = () => {
      refuse('missing')
      reject(new PosternError('KNOCK_REFUSED', `the knock was ${refusal ?? ''}`))
    }
    const evict = () => {
      refuse('crowded')
      socket.destroy()
    }
    const abort = () => socket.destroy()
    const close = () => {
      refuse('missing')
      socket.end()
      timer = later(closingMs, abort)
    }
    let timer = later(quietMs, close)
    signal.addEventListener('abort', abort)
    socket.on('data', hear).once('close', over).resume()
    unproved.enter(socket.remoteAddress ?? '', evict)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      unproved.leave(evict)
      signal.removeEventListener('abort', abort)
      socket.off('data', hear).off('close', over)
    }
  }
}
