import { excerpt, PosternError, reasonOf } from '@postern/protocol'
import { type Document, isMap, isScalar, isSeq, LineCounter, parse, parseDocument } from 'yaml'
import { configJsonSchema } from './config.ts'

/** A value on its way into the config, and where it came from. */
export interface Sourced {
  readonly value: unknown
  /** Where the value at a path was written: `postern.yaml:12:3`, `environment variable POSTERN_…`, `flag --set …`. */
  origin(path: readonly PropertyKey[]): string
}

/** Reads a YAML file. Throws CONFIG_INVALID with line and column where it is not YAML. */
export function fromFile(text: string, file: string): Sourced {
  const lines = new LineCounter()
  const document = documentOf(text, lines, file)
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new PosternError('CONFIG_INVALID', `${file}:${line}:${col}: ${excerpt(error.message, longestReason)}`)
  }
  return {
    value: valueOf(document, file) ?? {},
    origin(path) {
      let node: unknown = document.contents
      let offset = 0
      for (const key of path) {
        const next: unknown = isMap(node) || isSeq(node) ? node.get(key, true) : undefined
        if (isMap(node)) {
          const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key)
          if (isScalar(pair?.key) && pair.key.range) offset = pair.key.range[0]
        }
        if (next === undefined || next === null) break
        node = next
        if ((isScalar(node) || isMap(node) || isSeq(node)) && node.range) offset = node.range[0]
      }
      const { line, col } = lines.linePos(offset)
      return `${file}:${line}:${col}`
    },
  }
}

const longestReason = 200

/** What is nested too deep is no document: the parser runs out of stack. */
function documentOf(text: string, lines: LineCounter, file: string): Document {
  return orInvalid(file, () => parseDocument(text, { lineCounter: lines, prettyErrors: false }))
}

function valueOf(document: Document, origin: string): unknown {
  return orInvalid(origin, () => document.toJS())
}

function parseValue(text: string, origin: string): unknown {
  return orInvalid(origin, () => parse(text, { prettyErrors: false, logLevel: 'error' }))
}

/** Throws CONFIG_INVALID, with the first line of the reason. */
function orInvalid<T>(origin: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const [reason = ''] = reasonOf(cause).split('\n', 1)
    throw new PosternError('CONFIG_INVALID', `${excerpt(origin, longestReason)}: ${excerpt(reason, longestReason)}`, {
      cause,
    })
  }
}

interface Override {
  readonly path: readonly string[]
  readonly value: unknown
  readonly origin: string
}

/** `POSTERN_INGRESS__PATH__RELAYS=3` is `ingress.path.relays: 3`: levels are parted by two underscores, values are YAML. */
export function fromEnvironment(environment: NodeJS.ProcessEnv): Override[] {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith('POSTERN_'))
    .map(([name, text]) => ({
      path: spell(name.slice('POSTERN_'.length).split('__')),
      value: parseValue(text ?? '', `environment variable ${name}`),
      origin: `environment variable ${name}`,
    }))
}

/** `--set ingress.path.relays=3`. Throws USAGE for what has no `=`. */
export function fromFlags(settings: readonly string[]): Override[] {
  return settings.map((setting) => {
    const equals = setting.indexOf('=')
    if (equals <= 0)
      throw new PosternError('USAGE', `--set ${excerpt(setting)}: expected PATH=VALUE`, {
        remedy: 'for example --set log.level=debug',
      })
    return {
      path: setting.slice(0, equals).split('.'),
      value: parseValue(setting.slice(equals + 1), `flag --set ${setting.slice(0, equals)}`),
      origin: `flag --set ${setting.slice(0, equals)}`,
    }
  })
}

/** Lays overrides over a file, later ones over earlier ones. */
export function overlay(file: Sourced, overrides: readonly Override[]): Sourced {
  // What is no map is refused by the schema, with its place in the file.
  if (typeof file.value !== 'object' || file.value === null) return file
  const value = structuredClone(file.value)
  const origins = new Map<string, string>()
  for (const { path, value: set, origin } of overrides) {
    let at = value as Record<string, unknown>
    for (const key of path.slice(0, -1)) {
      const inner = Object.hasOwn(at, key) ? at[key] : undefined
      const next = typeof inner === 'object' && inner !== null ? inner : {}
      put(at, key, next)
      at = next as Record<string, unknown>
    }
    put(at, path.at(-1) ?? '', set)
    origins.set(path.join('.'), origin)
  }
  return {
    value,
    origin(path) {
      for (let length = path.length; length > 0; length--) {
        const origin = origins.get(path.slice(0, length).map(String).join('.'))
        if (origin !== undefined) return origin
      }
      const inside = [...origins].find(([set]) => set.startsWith(`${path.map(String).join('.')}.`))
      return inside === undefined || has(file.value, path) ? file.origin(path) : inside[1]
    },
  }
}

/** Sets an own key, whatever its name. */
function put(at: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true })
}

function has(value: unknown, path: readonly PropertyKey[]): boolean {
  let at: unknown = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<PropertyKey, unknown>)[key]
  }
  return true
}

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
}

/** Environment variables are written in capitals: each level is read as the key of the config that it can mean. */
function spell(levels: readonly string[]): string[] {
  let shape: Shape | undefined = configJsonSchema()
  return levels.map((level) => {
    const bare = level.replaceAll('_', '').toLowerCase()
    const key =
      Object.keys(shape?.properties ?? {}).find((known) => known.toLowerCase() === bare) ?? level.toLowerCase()
    const named: Shape | boolean | undefined = shape?.properties?.[key] ?? shape?.items ?? shape?.additionalProperties
    shape = typeof named === 'object' ? named : undefined
    return key
  })
}
