import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { KitNode } from '@postern/test-kit'
import { askAdmin, postern, tied } from './command.ts'

type NodeStatus = ReturnType<KitNode['node']['status']>

export interface DemoNode {
  readonly name: string
  readonly roles: readonly string[]
  readonly peerId: string
  readonly pid: number
  readonly dir: string
}

export interface DemoOrder {
  /** URL of the API to hide; the sample API unless said otherwise. */
  readonly backend?: string
  readonly relays?: number
  readonly egresses?: number
  /** Folder for its own folders: for a demo that gets no chance to remove them. */
  readonly folder?: string
}

/** `postern demo --json`, running; stopped at the end of the block that uses it. */
export interface Demo extends AsyncDisposable {
  /** Where clients arrive; ends with a slash. */
  readonly url: string
  /** Folder of the authority. */
  readonly authority: string
  readonly nodes: readonly DemoNode[]
  /** All that it has written to its standard output. */
  readonly said: string
  /** Sends a signal and waits for the end; answers with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** What a node says of itself through its admin socket. */
  status(node: DemoNode): Promise<NodeStatus>
}

/** Starts the demo and waits until it says that it is ready. Throws what it said when it ends instead. */
export async function demoOf(order: DemoOrder = {}): Promise<Demo> {
  const child = startDemo(order)
  let said = ''
  let complained = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    complained += piece
  })
  const line = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
      if (said.includes('\n')) resolve()
    })
  })
  const ended = endOf(child)
  const failed = ended.then((end) => {
    throw new Error(`the demo ended with ${end} before it was ready: ${complained}`)
  })
  failed.catch(() => {})
  await Promise.race([line, failed])
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  return {
    ...(JSON.parse(said.split('\n', 1)[0] ?? '') as Pick<Demo, 'url' | 'authority' | 'nodes'>),
    get said() {
      return said
    },
    end,
    status: async ({ dir }) => (await askAdmin(join(dir, 'state', 'admin.sock'), '/status')) as NodeStatus,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
    },
  }
}

/** Starts the demo and waits for nothing. */
export function startDemo({ backend, egresses, folder, relays }: DemoOrder) {
  const options = { port: 0, backend, egresses, relays }
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  )
  const [file = '', ...rest] = postern('demo', '--json', ...words)
  const env = folder === undefined ? process.env : { ...process.env, TMPDIR: folder }
  return tied(spawn(file, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** The exit code of a process that ends, or the signal that ended it. */
export async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals]
  return code ?? signal
}
