import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { excerpt, fileError, nearest, PosternError, quoted } from '@postern/protocol'
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

const usualName = 'postern.yaml'
/** Findings that a message holds; more are counted. */
const mostFindings = 20
const longestProblem = 200

/** CONFIG_INVALID with everything that was found, not the first thing alone. */
export class ConfigError extends PosternError {
  readonly findings: readonly Finding[]

  constructor(file: string, findings: readonly Finding[]) {
    const said = findings.slice(0, mostFindings).map(sayFinding)
    const more = findings.length - said.length
    if (more > 0) said.push(`  and ${more} more`)
    super('CONFIG_INVALID', `${file} is not a valid config:\n${said.join('\n')}`)
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
 * absolute. Throws FILE_MISSING, FILE_UNREADABLE or ConfigError.
 */
export function loadConfig(file: string, sources: ConfigSources = {}): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unread(file, cause)
  }
  const overrides = [...fromEnvironment(sources.environment ?? {}), ...fromFlags(sources.flags ?? [])]
  return checkConfig(overlay(fromFile(text, file), overrides), file)
}

function unread(file: string, cause: unknown): PosternError {
  const { code, message } = fileError(file, cause)
  const remedy = 'name it with --config FILE, or make a node with `postern mesh issue`'
  if (code === 'FILE_MISSING') return new PosternError(code, `there is no config at ${file}`, { cause, remedy })
  const folder = (cause as NodeJS.ErrnoException).code === 'EISDIR'
  return new PosternError(code, message, {
    cause,
    ...(folder && { remedy: `name the file: ${join(file, usualName)}` }),
  })
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
    ...(config.authority === undefined
      ? {}
      : { authority: { ...config.authority, folder: at(config.authority.folder) } }),
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
  const shown = value === undefined ? '' : ` = ${quoted(value)}`
  return `  ${excerpt(path)}${shown}: ${excerpt(problem, longestProblem)}\n    at ${excerpt(origin, longestProblem)}${remedy === undefined ? '' : `; ${remedy}`}`
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

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
