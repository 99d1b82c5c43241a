import timers from 'node:timers'
import { setTimeout } from 'node:timers/promises'

/** A timer that does not keep the process alive. */
export function later(waitMs: number, task: () => void): NodeJS.Timeout {
  return timers.setTimeout(task, waitMs).unref()
}

/** Waits for a task, but not beyond a time of the process's clock; that the task fails counts as its end. */
export async function atMost(untilMs: number, task: Promise<unknown>): Promise<void> {
  const abandon = new AbortController()
  const late = setTimeout(Math.max(0, untilMs - performance.now()), undefined, { signal: abandon.signal })
  await Promise.race([task.catch(() => undefined), late.catch(() => undefined)])
  abandon.abort()
}

/** How long the first attempt has the field to itself; each one after it twice as long, so that few add to an overload. */
const firstPatienceMs = 1000

export interface SoonestOptions<T> {
  readonly withinMs: number
  /** Takes what came of attempts that were not the first to succeed. */
  readonly discard: (value: T) => void
}

/**
 * The first success of attempts, of which another is made when a second has passed without one, then two more, then four: what holds one up
 * keeps no other from going elsewhere. The signal is aborted when the time is up or an attempt is no longer wanted.
 * Throws what the last attempt threw when all have failed.
 */
export async function soonest<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { discard, withinMs }: SoonestOptions<T>,
): Promise<T> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(withinMs)])
  const attempts: Array<Promise<T>> = []
  let patienceMs = firstPatienceMs
  try {
    for (;;) {
      attempts.push(attempt(signal))
      const patience = new Promise<undefined>((resolve) => later(patienceMs, () => resolve(undefined)))
      const first = await Promise.race([Promise.any(attempts.map(numbered)), patience])
      patienceMs *= 2
      if (first === undefined) continue
      for (const [at, other] of attempts.entries()) if (at !== first.at) other.then(discard, () => undefined)
      return first.value
    }
  } catch (error) {
    throw error instanceof AggregateError ? error.errors.at(-1) : error
  } finally {
    over.abort()
  }
}

async function numbered<T>(attempt: Promise<T>, at: number): Promise<{ at: number; value: T }> {
  return { at, value: await attempt }
}
