import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PosternError } from '@postern/protocol'
import type { z } from 'zod'
import { type Config, configSchema, rolesOf } from './config.ts'
import { fromEnvironment, fromFile, fromFlags, overlay, type Sourced } from './config-sources.ts'

/** One thing that is wrong with a config. */
export interface Finding {
  /** Where in the config: `ingress.routes.0.service`. */
  readonly path: string
  readonly value: unknown
  readonly origin: string
  readonly problem: string
  readonly remedy: string | undefined
}

/** CONFIG_INVALID with everything that was found, not the first thing alone. */
export class ConfigError extends PosternError {
  readonly findings: readonly Finding[]

  constructor(file: string, findings: readonly Finding[]) {
    super('CONFIG_INVALID', `${file} is not a valid config:\n${findings.map(sayFinding).join('\n')}`)
    this.findings = findings
  }
}

export interface ConfigSources {
  readonly environment?: NodeJS.ProcessEnv
  /** Settings given as `path=value`. */
  readonly flags?: readonly string[]
}

/**
 * Reads, checks and freezes a config: the file, then the environment over it, then flags. Paths in the result are
 * absolute. Throws FILE_MISSING or ConfigError.
 */
export function loadConfig(file: string, sources: ConfigSources = {}): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new PosternError('FILE_MISSING', `there is no config at ${file}`, {
      cause,
      remedy: 'name it with --config FILE, or make a node with `postern mesh issue`',
    })
  }
  const overrides = [...fromEnvironment(sources.environment ?? {}), ...fromFlags(sources.flags ?? [])]
  return checkConfig(overlay(fromFile(text, file), overrides), file)
}

/** Checks a config from anywhere; `file` is what its paths are relative to. Throws ConfigError. */
export function checkConfig(source: Sourced, file: string): Config {
  const parsed = configSchema.safeParse(source.value)
  if (!parsed.success)
    throw new ConfigError(
      file,
      parsed.error.issues.flatMap((issue) => findingsOf(issue, source)),
    )
  const config = parsed.data
  if (rolesOf(config).length === 0) {
    throw new ConfigError(file, [
      {
        path: '',
        value: undefined,
        origin: file,
        problem: 'the node has no role',
        remedy: 'add relay, ingress, egress or authority',
      },
    ])
  }
  if (config.workers > 0 && config.ingress === undefined && config.egress === undefined) {
    throw new ConfigError(file, [
      {
        path: 'workers',
        value: config.workers,
        origin: source.origin(['workers']),
        problem: 'a node without ingress and egress has nothing for workers to do',
        remedy: 'remove it',
      },
    ])
  }
  const folder = dirname(resolve(file))
  const at = (path: string) => resolve(folder, path)
  const ingress = config.ingress && {
    ...config.ingress,
    listen: config.ingress.listen.map((each) =>
      each.tls ? { ...each, tls: { cert: at(each.tls.cert), key: at(each.tls.key) } } : each,
    ),
  }
  return deepFreeze({
    ...config,
    mesh: at(config.mesh),
    state: at(config.state),
    admin: { socket: at(config.admin.socket ?? join(config.state, 'admin.sock')) },
    ...(ingress === undefined ? {} : { ingress }),
    ...(config.authority === undefined ? {} : { authority: { folder: at(config.authority.folder) } }),
  })
}

function findingsOf(issue: z.core.$ZodIssue, source: Sourced): Finding[] {
  if (issue.code !== 'unrecognized_keys') {
    const value = valueAt(source.value, issue.path)
    const problem = value === undefined ? `is missing (${issue.message})` : issue.message
    return [{ path: issue.path.join('.'), value, origin: source.origin(issue.path), problem, remedy: undefined }]
  }
  return issue.keys.map((key) => {
    const path = [...issue.path, key]
    const near = nearest(key, keysBeside(issue.path))
    const origin = source.origin(path)
    return {
      path: path.join('.'),
      // A variable of the environment that is none of ours may hold a secret.
      value: origin.startsWith('environment') ? undefined : valueAt(source.value, path),
      origin,
      problem: 'is not a key of the config',
      remedy: near === undefined ? 'remove it' : `did you mean ${near}?`,
    }
  })
}

function sayFinding({ origin, path, problem, remedy, value }: Finding): string {
  const shown = value === undefined ? '' : ` = ${JSON.stringify(value)}`
  return `  ${path}${shown}: ${problem}\n    at ${origin}${remedy === undefined ? '' : `; ${remedy}`}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

interface Def {
  readonly shape?: Readonly<Record<string, { _zod: { def: Def } }>>
  readonly innerType?: { _zod: { def: Def } }
  readonly element?: { _zod: { def: Def } }
  readonly valueType?: { _zod: { def: Def } }
}

/** Keys that the schema knows at a path. */
function keysBeside(path: readonly PropertyKey[]): string[] {
  let def: Def | undefined = configSchema._zod.def as unknown as Def
  for (const key of path) {
    def = unwrap(def)
    def = (def?.shape?.[String(key)] ?? def?.element ?? def?.valueType)?._zod.def
  }
  return Object.keys(unwrap(def)?.shape ?? {})
}

function unwrap(def: Def | undefined): Def | undefined {
  let at = def
  while (at?.innerType !== undefined) at = at.innerType._zod.def
  return at
}

function nearest(key: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, distance: distance(key.toLowerCase(), name.toLowerCase()) }))
  const [best] = ranked.toSorted((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.max(2, key.length / 3) ? best.name : undefined
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
