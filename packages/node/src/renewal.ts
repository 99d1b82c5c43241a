import { type Ask, askRenewal, type Member, type Term, termOf } from '@postern/identity'
import type { Mesh } from '@postern/mesh'
import { type Clock, type Code, type Log, type Meter, PosternError, reasonOf } from '@postern/protocol'
import { daysLeft } from './life-left.ts'

export interface RenewalInit {
  readonly member: Member
  readonly mesh: Pick<Mesh, 'announce' | 'renewed'>
  readonly ask: Ask
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const lookMs = 500
const firstRetryMs = 1000

/** When a member's credential is to be renewed: at two thirds of the time for which it counts. */
export function renewalDueMs(member: Member): number {
  const { sinceMs, untilMs }: Term = termOf(member)
  return sinceMs + ((untilMs - sinceMs) * 2) / 3
}

/**
 * Renews the node's credential in time, on the links there are. Where no authority answers it tries again and again, at
 * least once an hour, and once a minute when the credential has ended; each reason is logged once.
 */
export class Renewal {
  readonly #init: RenewalInit
  #timer: NodeJS.Timeout | undefined
  #trying = false
  #retryMs = firstRetryMs
  #triedMs = 0
  #failure: Code | undefined

  constructor(init: RenewalInit) {
    this.#init = init
  }

  /** Why the credential, which is due, was not renewed when that was tried last. */
  get failure(): Code | undefined {
    return this.#failure
  }

  /** Looks often rather than once in time: a bulletin may bring the end of a credential nearer. */
  start(): void {
    this.#timer = setInterval(() => void this.#look(), lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Renews at once. Throws NO_RELAY, NO_AUTHORITY, BAD_MESSAGE, or what the authority refuses with. */
  async renew(): Promise<void> {
    const { ask, clock, log, member, mesh, meter } = this.#init
    try {
      const { bulletin, credential } = await askRenewal(member, ask)
      if (bulletin !== '') await mesh.announce(bulletin)
      await member.renew(credential)
      await mesh.renewed()
    } catch (error) {
      meter.count('credential_renewals', error instanceof PosternError ? error.code : 'INTERNAL')
      throw error
    }
    meter.count('credential_renewals', 'ok')
    const { untilMs } = termOf(member)
    const expires = new Date(untilMs).toISOString()
    log.info('credential renewed', { expires, daysLeft: daysLeft(untilMs, clock.now()) })
    this.#failure = undefined
    this.#retryMs = firstRetryMs
  }

  async #look(): Promise<void> {
    const { clock, member } = this.#init
    const longestMs = clock.now() < termOf(member).untilMs ? hourMs : minuteMs
    const notBeforeMs = this.#triedMs + Math.min(this.#retryMs, longestMs)
    if (this.#trying || clock.now() < Math.max(notBeforeMs, renewalDueMs(member))) return
    this.#trying = true
    try {
      await this.renew()
    } catch (error) {
      this.#failed(error)
      this.#triedMs = clock.now()
      this.#retryMs = Math.min(this.#retryMs * 2, hourMs)
    } finally {
      this.#trying = false
    }
  }

  #failed(error: unknown): void {
    const { clock, log, member } = this.#init
    const code = error instanceof PosternError ? error.code : 'INTERNAL'
    log[code === this.#failure ? 'debug' : 'warn']('credential not renewed', {
      code,
      reason: reasonOf(error),
      daysLeft: daysLeft(termOf(member).untilMs, clock.now()),
    })
    this.#failure = code
  }
}
