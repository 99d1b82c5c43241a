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
