import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { delimiter, join, resolve } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What a command said to its end. */
export interface Said {
  /** The exit code, or the signal that ended it. */
  readonly end: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

export interface CommandPlace {
  readonly cwd?: string
  /** The whole environment of the command; unless said otherwise that of this process, but for the wish for colours. */
  readonly env?: Readonly<Record<string, string>>
}

/** Only for what hangs: nothing that is run here takes as long. */
const deadline = { timeout: 60_000, killSignal: 'SIGKILL' } as const
const root = fileURLToPath(new URL('../..', import.meta.url))
// A runner that writes to a terminal asks its children for colours; what they say is read by a test.
const { FORCE_COLOR: _, ...plain } = process.env
const living = new Set<ChildProcess>()
// The runner ends a file that hangs with this signal; nothing that the file started outlives it.
process.once('SIGTERM', () => {
  for (const child of living) child.kill('SIGTERM')
  process.exit(1)
})

/** Keeps a child from outliving this process. */
export function tied<Child extends ChildProcess>(child: Child): Child {
  living.add(child)
  child.once('close', () => living.delete(child))
  return child
}

/** The command line of `postern` as it is built and shipped. */
export function postern(...words: readonly string[]): string[] {
  return [process.execPath, join(root, 'packages/cli/bin/postern.mjs'), ...words]
}

/** Runs a command to its end, whatever end that is. */
export async function run(command: readonly string[], place: CommandPlace = {}): Promise<Said> {
  const [file = '', ...words] = command
  const child = tied(spawn(file, words, { env: plain, ...place, ...deadline, stdio: ['ignore', 'pipe', 'pipe'] }))
  const [[code, signal], out, err] = await Promise.all([
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals]>,
    text(child.stdout),
    text(child.stderr),
  ])
  return { end: code ?? signal, out, err }
}

/** Runs a command that must succeed, and answers with its output. Throws what it said where it does not. */
export async function must(command: readonly string[], place?: CommandPlace): Promise<string> {
  const { end, err, out } = await run(command, place)
  if (end !== 0) throw new Error(`${command.join(' ')} ended with ${end}: ${out}${err}`)
  return out
}

/**
 * An environment for the tools of others that holds nothing of the user's own: their settings and caches are looked for
 * in `home`, and they run on the machine's runtime, not on the one in the checkout.
 */
export function bareEnvironment(home: string): Record<string, string> {
  const ours = resolve(root, 'node_modules/.bin')
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => resolve(folder) !== ours)
  return { HOME: home, PATH: path.join(delimiter), LC_ALL: 'C' }
}

/** Asks a node through its admin socket. */
export function askAdmin(socketPath: string, path: string): Promise<unknown> {
  return new Promise((answer, fail) => {
    request({ socketPath, path, agent: false }, (response) => {
      json(response).then(answer, fail)
    })
      .on('error', fail)
      .end()
  })
}
