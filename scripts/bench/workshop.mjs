import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { environment } from '../setup.mjs'
import { within } from './deadline.mjs'

const stopMs = 5000
const shownLines = 10
const shownText = 200

/** A temporary folder and the processes that work in it; both are gone when it is closed. */
export class Workshop {
  folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  #running = new Set()
  #closing
  #lose
  /** Rejects when a process that should run until the workshop closes ends before. */
  died = new Promise((_, reject) => {
    this.#lose = reject
  })

  get closing() {
    return this.#closing !== undefined
  }

  /**
   * Starts a process that runs until it is stopped or the workshop closes, and yields `{ pid, stdout, died, stop }`,
   * where `died` rejects when the process ends before. Its standard error is kept as the log of `name`. With `channel`,
   * it holds a channel to this process, by which a node of the mesh notices even that this one was killed.
   */
  start(name, command, args, { env = environment, channel = false } = {}) {
    const log = openSync(join(this.folder, `${name}.log`), 'a', 0o600)
    const child = this.#spawn(command, args, { env, stdio: ['ignore', 'pipe', log, ...(channel ? ['ipc'] : [])] })
    closeSync(log)
    let stopped = false
    const died = ending(child).then((reason) => {
      throw new Error(`${name} ${reason}`)
    })
    died.catch((error) => {
      if (!stopped && !this.closing) this.#lose(error)
    })
    const stop = () => {
      stopped = true
      return this.#end([child])
    }
    return { pid: child.pid, stdout: child.stdout, died, stop }
  }

  /** Writes the content of files of the folder into one. */
  join(name, parts) {
    const content = parts.map((part) => readFileSync(join(this.folder, part), 'utf8')).join('')
    writeFileSync(join(this.folder, name), content, { mode: 0o600 })
  }

  /** Runs a command to its end and yields its standard output. Throws when it fails or takes longer than `ms`. */
  async run(ms, command, args, { env = environment } = {}) {
    const child = this.#spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const closed = new Promise((resolve) => child.once('close', resolve))
    try {
      const what = [basename(command), ...args].join(' ').slice(0, shownText)
      const reason = await within(ms, what, ending(child))
      if (child.exitCode !== 0) throw new Error(`${what} ${reason}\n${stderr}`)
      await closed
      return stdout
    } catch (error) {
      signal(child, 'SIGKILL')
      throw error
    }
  }

  /** The last lines that processes whose name starts with `prefix` wrote to standard error. */
  logs(prefix) {
    if (this.closing) return ''
    const files = readdirSync(this.folder).filter((name) => name.startsWith(prefix) && name.endsWith('.log'))
    return files.flatMap((file) => lastLines(join(this.folder, file)).map((line) => `  ${file}: ${line}`)).join('\n')
  }

  close() {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close() {
    await this.#end([...this.#running])
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #end(running) {
    const ended = Promise.all(running.map((child) => ending(child)))
    for (const child of running) signal(child, 'SIGTERM')
    await within(stopMs, 'stopping', ended).catch(() => {})
    // Kills what is left of each group, such as a worker whose master has ended.
    for (const child of running) signal(child, 'SIGKILL')
  }

  /** Each process leads a group: signals of the terminal do not reach it, and ours reach its workers too. */
  #spawn(command, args, options) {
    if (this.closing) throw new Error('the workshop is closed')
    const child = spawn(command, args, { ...options, cwd: this.folder, detached: true })
    this.#running.add(child)
    void ending(child).then(() => this.#running.delete(child))
    return child
  }
}

function lastLines(file) {
  const text = readFileSync(file, 'utf8').trimEnd()
  return text === '' ? [] : text.split('\n').slice(-shownLines)
}

/** How a child ended, once it has. */
function ending(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve('has ended')
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, name) => resolve(`ended with ${name ?? `exit code ${code}`}`))
  })
}

function signal(child, name) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name)
  } catch {
    // The whole group has ended.
  }
}
