import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { HostName, Hosts } from './hosts.ts'

/** A process that has said it is ready. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** What it said when it was ready. */
  readonly said: string
  /** Ends it by a signal and waits; answers what it said on standard error, where that was piped here. */
  stop(signal: NodeJS.Signals): Promise<string>
}

/** Waits until the stream says something that ends a line and matches. Throws what it said when the process ends first. */
export async function running(child: ChildProcess, stream: ChildProcess['stdout'], ready: RegExp): Promise<Running> {
  let said = ''
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
  const heard = new Promise<void>((resolve) => {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
      if (said.endsWith('\n') && ready.test(said)) resolve()
    })
  })
  await Promise.race([
    heard,
    ended.then(() => {
      throw new Error(`${child.spawnargs.join(' ')} ended before it was ready: ${said}`)
    }),
  ])
  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await ended
    }
    return said
  }
  return {
    pid: child.pid ?? 0,
    said,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGTERM')
    },
  }
}

const programs = {
  api: new URL('./api.ts', import.meta.url),
  dial: new URL('./dial.ts', import.meta.url),
  pry: new URL('./pry.ts', import.meta.url),
  visit: new URL('./visit.ts', import.meta.url),
} as const

/** The command line of a program beside this file. */
export function program(name: keyof typeof programs): string[] {
  return [process.execPath, fileURLToPath(programs[name])]
}

/** Runs one of them on a host to its end: JSON in, JSON out. */
export async function ask(
  hosts: Hosts,
  host: HostName,
  name: 'dial' | 'pry' | 'visit',
  order: unknown,
): Promise<unknown> {
  const child = hosts.spawn(host, program(name), ['pipe', 'pipe', 'inherit'])
  if (child.stdin === null || child.stdout === null) throw new Error('the process has no standard streams')
  child.stdin.end(JSON.stringify(order))
  const [answer] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(answer) as unknown
}
