import { statSync } from 'node:fs'
import { quoted, reasonOf } from '@postern/protocol'
import type { Config } from './config.ts'
import type { ConfigFact } from './health/facts.ts'

/** Where a node's config came from. */
export interface ConfigSource {
  /** Absolute path of the file. */
  readonly file: string
  /** Reads it again as it was read at the start, with the same settings over it. Throws what `loadConfig` throws. */
  readonly read: () => Config
}

/** Compares the config that a node runs with with what its file says now. */
export class ConfigWatch {
  readonly #config: Config
  readonly #source: ConfigSource
  #seen = ''
  #differs: readonly string[] = []

  constructor(config: Config, source: ConfigSource) {
    this.#config = config
    this.#source = source
  }

  fact(): ConfigFact {
    const { file } = this.#source
    const seen = stampOf(file)
    // Read only when it has changed: this is asked often.
    if (seen !== this.#seen) {
      this.#seen = seen
      this.#differs = this.#compare()
    }
    return { file, differs: this.#differs }
  }

  #compare(): string[] {
    try {
      return differences(this.#config, this.#source.read())
    } catch (error) {
      const [first = ''] = reasonOf(error).split('\n', 1)
      return [`the node would not start with it: ${first}`]
    }
  }
}

/** Changes with a file, also where one was put in its place. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`
}

/** Paths at which two configs differ, each with both values. */
export function differences(runs: unknown, says: unknown, path = ''): string[] {
  if (isNest(runs) && isNest(says)) {
    const keys = new Set([...Object.keys(runs), ...Object.keys(says)])
    return [...keys].flatMap((key) => differences(runs[key], says[key], path === '' ? key : `${path}.${key}`))
  }
  if (Object.is(runs, says)) return []
  return [`${path} is ${said(runs)} in the node, ${said(says)} in the file`]
}

function isNest(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function said(value: unknown): string {
  return value === undefined ? 'nothing' : quoted(value)
}
