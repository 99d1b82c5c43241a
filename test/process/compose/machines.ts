import assert from 'node:assert/strict'
import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { mountsOf, root, serviceOf } from './file.ts'
import { image } from './image.ts'

/** The services as processes of this machine: each has a folder as its root, where volumes and files are mounted. */
export class Machines implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-'))
  readonly #children: ChildProcess[] = []

  constructor() {
    mkdirSync(join(this.folder, 'bin'))
    symlinkSync(image.command.replace(image.folder, root), join(this.folder, 'bin', 'postern'))
  }

  /** The folder in which a volume is. */
  volume(name: string): string {
    return join(this.folder, 'volumes', name)
  }

  /** Makes what a container finds, and turns words that are paths in it into paths of this machine. */
  #enter(name: string, words: readonly string[]): { cwd: string; words: string[] } {
    const base = join(this.folder, 'roots', name)
    for (const { isVolume, source, target } of mountsOf(serviceOf(name))) {
      const place = join(base, target)
      mkdirSync(dirname(place), { recursive: true })
      if (!isVolume) copyFileSync(join(root, source), place)
      else if (!existsSync(place)) {
        mkdirSync(this.volume(source), { recursive: true, mode: 0o700 })
        symlinkSync(this.volume(source), place)
      }
    }
    const inside = (word: string) =>
      existsSync(join(base, word)) ? join(base, word) : word.replace(image.folder, root)
    const cwd = join(base, image.workFolder)
    return {
      cwd: existsSync(cwd) ? cwd : base,
      words: words.map((word) => (word.startsWith('/') ? inside(word) : word)),
    }
  }

  #environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { PATH: `${join(this.folder, 'bin')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...more }
  }

  /** Runs a command in a service to its end. */
  run(name: string, command: readonly string[]): Promise<{ exitCode: number; said: string }> {
    const { cwd, words } = this.#enter(name, command)
    const [file = '', ...rest] = words
    return new Promise((resolve) => {
      const child = execFile(file, rest, { cwd, env: this.#environment() }, (_, out, err) =>
        resolve({ exitCode: child.exitCode ?? -1, said: `${out}${err}` }),
      )
    })
  }

  /** What the image and the file together say that a service runs. */
  command(name: string): string[] {
    const { command = [], entrypoint, image: from } = serviceOf(name)
    return [...(entrypoint ?? (from === image.name ? image.entrypoint : [])), ...command]
  }

  /** Starts a service, and answers with the line of JSON that it says when it is up. */
  async start(name: string, command: readonly string[], settings?: Readonly<Record<string, string>>): Promise<unknown> {
    const { cwd, words } = this.#enter(name, command)
    const [file = '', ...rest] = words
    const log = join(this.folder, `${name}.log`)
    const logFd = openSync(log, 'a')
    // A node whose channel closes ends: none outlives the tests.
    const stdio: StdioOptions = ['ignore', 'pipe', logFd, 'ipc']
    const child = spawn(file, rest, { cwd, env: this.#environment(settings), stdio })
    closeSync(logFd)
    this.#children.push(child)
    assert.ok(child.stdout)
    const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => JSON.parse(String(text)))
    const ended = once(child, 'exit').then(([code]) =>
      assert.fail(`${name} ended with ${String(code)}: ${readFileSync(log, 'utf8')}`),
    )
    ended.catch(() => {})
    return await Promise.race([line, ended])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last first: relays leave after those that stand on them.
    for (const child of this.#children.toReversed()) {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGTERM')
      await gone
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
