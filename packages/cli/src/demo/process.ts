import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PosternError } from '@postern/protocol'

export interface ChildInit {
  readonly name: string
  /** File that node runs, and its arguments. */
  readonly command: readonly string[]
  /** File descriptor that takes the child's standard error. */
  readonly logFd: number
}

/** A process of the demo that has said it is ready. */
export interface Child {
  readonly name: string
  readonly pid: number
  /** The one line of JSON that it said when it was ready. */
  readonly ready: unknown
  /** Resolves when the process has ended, whyever. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

const readyMs = 20_000
const stopMs = 15_000

/**
 * Starts a child and waits for its line. The child holds a channel to this process and ends when that closes, so that
 * none outlives the demo. Throws TIMED_OUT, or STOPPED when it ends instead.
 */
export async function startChild(init: ChildInit): Promise<Child> {
  const child = spawn(process.execPath, [...process.execArgv, ...init.command], {
    stdio: ['ignore', 'pipe', init.logFd, 'ipc'],
    detached: true,
  })
  const ended = once(child, 'exit').then(() => undefined)
  const ready = await firstLine(child, init.name)
  return {
    name: init.name,
    pid: child.pid ?? 0,
    ready,
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
      await ended
      clearTimeout(timer)
    },
  }
}

async function firstLine(child: ChildProcess, name: string): Promise<unknown> {
  if (child.stdout === null) throw new Error('the child has no standard output')
  const lines = createInterface({ input: child.stdout })
  const line = once(lines, 'line').then(([text]) => String(text))
  const exit = once(child, 'exit').then(([code]) => {
    throw new PosternError('STOPPED', `${name} ended before it was ready (exit code ${String(code)})`)
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PosternError('TIMED_OUT', `${name} was not ready within ${readyMs / 1000} s`)),
      readyMs,
    )
  })
  exit.catch(() => {})
  try {
    return JSON.parse(await Promise.race([line, exit, late]))
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }
}
