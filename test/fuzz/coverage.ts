import { type Profiler, Session } from 'node:inspector'

/** Our own sources, by their URL. */
const ours = /\/packages\/\w+\/src\//

/**
 * Which octets of our sources have run in this process, as V8 counts it block by block. Only modules that are loaded
 * after it was made are counted.
 */
export class Coverage {
  readonly #session = new Session()
  /** By script: 1 for each octet of its source that has run. */
  readonly #known = new Map<string, Uint8Array>()
  #latest: ReadonlyArray<readonly [script: string, ran: Uint8Array]> = []

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Whether, since it was asked last, something ran that was not known to. */
  reached(): boolean {
    this.#latest = this.#take().map(({ functions, scriptId }) => [scriptId, paint(functions)] as const)
    return this.#latest.some(([script, ran]) => {
      const known = this.#known.get(script)
      return ran.some((octet, at) => octet === 1 && known?.[at] !== 1)
    })
  }

  /** From now on, what was reached last is known. */
  learn(): void {
    for (const [script, ran] of this.#latest) {
      const known = this.#known.get(script)
      this.#known.set(script, known === undefined ? ran : either(known, ran))
    }
  }

  /** Counts are set back to zero when they are taken. */
  #take(): readonly Profiler.ScriptCoverage[] {
    let scripts: readonly Profiler.ScriptCoverage[] = []
    // In its own thread, a session answers before it returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error
      scripts = result.filter(({ url }) => ours.test(url))
    })
    return scripts
  }
}

/** Functions and their blocks come from the outside in: the innermost range says whether an octet ran. */
function paint(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const ranges = functions.flatMap((each) => each.ranges)
  const ran = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)))
  for (const { count, endOffset, startOffset } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  return ran
}

function either(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [long, short] = a.length < b.length ? [b, a] : [a, b]
  return long.map((octet, at) => octet | (short[at] ?? 0))
}
