import { type Ask, type Member, resumeReplacement, termOf, waitingKey } from '@postern/identity'
import { type Clock, type Log, PosternError, reasonOf } from '@postern/protocol'
import type { StateWriter } from './state-writer.ts'

export interface NextKeyInit {
  readonly member: Member
  /** State folder, where the key waits. */
  readonly state: string
  /** What of that folder cannot be written: a key that waits is not taken then. */
  readonly writer: Pick<StateWriter, 'unwritten'>
  readonly ask: Ask
  /** How long before the end of the old key the new one is to take over. */
  readonly leadMs: number
  readonly clock: Clock
  readonly log: Log
}

const lookMs = 500
const firstRetryMs = 1000
const longestRetryMs = 3600_000

/** Sees to it that a key that waits is taken before the old one ends, and asks again for one whose grant was not heard of. */
export class NextKey {
  /** Fulfilled when the node is to be started anew, because the key that it runs with ends and another waits. */
  readonly due: Promise<void>
  readonly #init: NextKeyInit
  readonly #fulfil: () => void
  #timer: NodeJS.Timeout | undefined
  #asking = false
  #retryMs = firstRetryMs
  #notBeforeMs = 0

  constructor(init: NextKeyInit) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#init = init
    this.due = promise
    this.#fulfil = resolve
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  look(): void {
    const { clock, leadMs, log, member, state, writer } = this.#init
    const waits = waitingKey(state)
    if (waits === 'begun') void this.#resume()
    if (waits !== 'ready' || writer.unwritten.length > 0 || termOf(member).untilMs - leadMs > clock.now()) return
    log.info('next key takes over', { old: member.credential.peer })
    this.stop()
    this.#fulfil()
  }

  async #resume(): Promise<void> {
    const { ask, clock, log, member, state } = this.#init
    if (this.#asking || clock.now() < this.#notBeforeMs) return
    this.#asking = true
    try {
      log.info('next key granted', { peer: await resumeReplacement(member, state, ask) })
    } catch (error) {
      const code = error instanceof PosternError ? error.code : 'INTERNAL'
      log.warn('next key not granted', { code, reason: reasonOf(error) })
      this.#notBeforeMs = clock.now() + this.#retryMs
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
    } finally {
      this.#asking = false
    }
  }
}
