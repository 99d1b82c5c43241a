import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, node, root } from '../setup.mjs'

/** A process that says nothing for so long is held up by what it reads. */
const silentMs = 10_000
/** What a reader may hold is far below; a process that needs more ends. */
const maxHeapMb = 512
const maxErrorText = 4000

/** The process in which readers are tried, one after the other; another takes its place when it ends or hangs. */
export class Worker {
  #folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'))
  #child
  #hear = () => {}
  #errors = ''

  get #caseFile() {
    return join(this.#folder, 'case')
  }

  /** Starts the process, and answers with the names of all readers. */
  async start() {
    this.#errors = ''
    const child = fork(join(root, 'test/fuzz/worker.ts'), [this.#caseFile], {
      cwd: root,
      env: environment,
      execPath: node,
      execArgv: ['--conditions=@postern/source', `--max-old-space-size=${maxHeapMb}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    child.stderr.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-maxErrorText)
    })
    child.on('message', (message) => this.#hear(message))
    child.on('close', (code, signal) => {
      this.#child = undefined
      this.#hear({ kind: 'gone', how: signal ?? `exit code ${code}` })
    })
    const first = await new Promise((resolve) => {
      this.#hear = resolve
    })
    if (first.kind !== 'ready') throw new Error(`the readers cannot be loaded: ${this.#errors}`)
    return first.targets
  }

  /** Tries a reader for so long. Answers with `{ runs, corpus, findings: [{ octets, reason }] }`. */
  async run(target, ms, progress) {
    if (this.#child === undefined) await this.start()
    const child = this.#child
    const findings = []
    let last = { runs: 0, corpus: 0 }
    let hung = false
    const watchdog = setTimeout(() => {
      hung = true
      child.kill('SIGKILL')
    }, silentMs)
    await new Promise((resolve) => {
      const on = {
        progress({ runs, corpus }) {
          last = { runs, corpus }
          progress(last)
        },
        found: ({ octets, reason }) => findings.push({ octets: Buffer.from(octets, 'base64'), reason }),
        done({ runs, corpus }) {
          last = { runs, corpus }
          resolve()
        },
        gone: ({ how }) => {
          const reason = hung ? `read for over ${silentMs / 1000} s` : `ended the process: ${how}\n${this.#errors}`
          findings.push({ octets: this.#case(), reason })
          resolve()
        },
      }
      this.#hear = (message) => {
        watchdog.refresh()
        on[message.kind](message)
      }
      child.send({ target, ms })
    })
    clearTimeout(watchdog)
    this.#hear = () => {}
    return { ...last, findings }
  }

  /** The octets that were being read last. */
  #case() {
    const octets = readFileSync(this.#caseFile)
    return octets.length < 4 ? octets : octets.subarray(4, 4 + octets.readUInt32BE(0))
  }

  close() {
    this.#hear = () => {}
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
