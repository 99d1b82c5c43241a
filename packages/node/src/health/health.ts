import type { Log } from '@postern/protocol'
import type { Facts } from './facts.ts'
import { keyOf, type Warning, warningsOf } from './registry.ts'
import { isAbove } from './warning.ts'

const lookMs = 5000
const levelOf = { info: 'info', warning: 'warn', error: 'error' } as const

/** How a running node is. Each warning is logged when it appears, when it becomes graver, and when it is over. */
export class Health {
  readonly #facts: () => Facts
  readonly #log: Log
  readonly #said = new Map<string, Warning>()
  #timer: NodeJS.Timeout | undefined

  constructor(facts: () => Facts, log: Log) {
    this.#facts = facts
    this.#log = log
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  facts(): Facts {
    return this.#facts()
  }

  warnings(): Warning[] {
    return warningsOf(this.#facts())
  }

  /** Looks once, and logs what is different from the last time. */
  look(): void {
    const found = new Map(this.warnings().map((warning) => [keyOf(warning), warning]))
    for (const [key, warning] of found) {
      const { about, cause, code, remedy, severity } = warning
      const said = this.#said.get(key)
      if (said === undefined || isAbove(severity, said.severity))
        this.#log[levelOf[severity]]('warning', { code, about, severity, cause, remedy })
      this.#said.set(key, warning)
    }
    for (const [key, { about, code }] of this.#said) {
      if (found.has(key)) continue
      this.#log.info('warning over', { code, about })
      this.#said.delete(key)
    }
  }
}
