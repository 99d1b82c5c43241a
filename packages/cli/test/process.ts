import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

const bin = join(import.meta.dirname, '..', 'bin', 'postern.mjs')
/** Nothing of the environment of the tests but what a process needs. */
const bare = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
/** Only for what hangs. */
const endMs = 60_000

export interface Place {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[], { cwd, environment }: Place): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...bare, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs a command line to its end. */
export async function postern(args: readonly string[], place: Place): Promise<Ended> {
  const child = start(args, place)
  const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
  const outputs = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  const [stdout, stderr] = await outputs
  return { code, stdout, stderr }
}

/** A node that runs as a process of its own. */
export interface Running extends AsyncDisposable {
  /** What it said of itself in one line of JSON. */
  readonly status: {
    readonly name: string
    readonly ingress?: { readonly urls: readonly string[] }
    readonly relay?: { readonly addresses: readonly string[] }
  }
  /** Tells it to end in order; the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a node and waits until it says that it is up. */
export async function running(args: readonly string[], place: Place): Promise<Running> {
  const child = start([...args, '--json'], place)
  const closed = once(child, 'close') as Promise<[number | null]>
  const said = text(child.stderr)
  const line = once(createInterface({ input: child.stdout }), 'line')
  const ended = closed.then(async ([code]) => {
    throw new Error(`postern ${args.join(' ')} ended with ${code}: ${await said}`)
  })
  ended.catch(() => {})
  const [json] = (await Promise.race([line, ended])) as [string]
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
    const [code] = await closed
    clearTimeout(timer)
    return code
  }
  return {
    status: JSON.parse(json) as Running['status'],
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
    },
  }
}

/** A port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
