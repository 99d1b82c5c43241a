import { type Clock, PosternError } from '@postern/protocol'
import type { Facts, Failure } from './facts.ts'
import { isUnwell, keyOf, type Warning, warningRows, warningsOf } from './registry.ts'

/** One thing that was looked at, and what is new about it. */
export interface Examined {
  readonly name: string
  readonly ok: boolean
  readonly ms: number
  /** What was seen, in a few words; empty where the findings say it. */
  readonly said: string
  readonly findings: readonly Warning[]
}

/** What a look has brought to light. */
export interface Seen<T> {
  readonly value: T
  readonly said: string
  readonly facts?: Omit<Facts, 'nowMs'>
}

/** What was found when all has been looked at. */
export interface Diagnosis {
  /** Nobody has to do anything. */
  readonly ok: boolean
  readonly checks: ReadonlyArray<Pick<Examined, 'name' | 'ok' | 'ms'>>
  readonly findings: readonly Warning[]
}

/** Looks at one thing after the other, and draws from each what the registry makes of it. */
export class Examination {
  readonly #clock: Clock
  readonly #heard: (examined: Examined) => void
  readonly #checks: Diagnosis['checks'][number][] = []
  readonly #findings = new Map<string, Warning>()

  constructor(clock: Clock, heard: (examined: Examined) => void) {
    this.#clock = clock
    this.#heard = heard
  }

  /** Looks; a failure that the registry knows is a finding, and then there is no value. Throws any other. */
  async of<T>(name: string, look: () => Seen<T> | Promise<Seen<T>>): Promise<T | undefined> {
    const startMs = performance.now()
    try {
      const seen = await look()
      this.note(name, performance.now() - startMs, seen)
      return seen.value
    } catch (error) {
      const failures = [failureOf(error)]
      this.note(name, performance.now() - startMs, { said: '', facts: { failures } })
      return undefined
    }
  }

  /** Takes what was seen. A finding is told of once, whatever brings it to light again. */
  note(name: string, ms: number, { facts, said }: Omit<Seen<unknown>, 'value'>): void {
    const found = warningsOf({ nowMs: this.#clock.now(), ...facts })
    const findings = found.filter((finding) => !this.#findings.has(keyOf(finding)))
    for (const finding of findings) this.#findings.set(keyOf(finding), finding)
    const check = { name, ok: !isUnwell(found), ms: Math.round(ms) }
    this.#checks.push(check)
    this.#heard({ ...check, said, findings })
  }

  diagnosis(): Diagnosis {
    const findings = [...this.#findings.values()]
    return { ok: !isUnwell(findings), checks: this.#checks, findings }
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof PosternError) || !(error.code in warningRows)) throw error
  const { code, message, remedy } = error
  return { code, message, ...(remedy !== undefined && { remedy }) }
}
