import { PosternError } from '@postern/protocol'
import { isMap, isScalar, isSeq, LineCounter, parse, parseDocument } from 'yaml'
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
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new PosternError('CONFIG_INVALID', `${file}:${line}:${col}: ${error.message}`)
  }
  return {
    value: document.toJS() ?? {},
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
      value: parse(text ?? '') as unknown,
      origin: `environment variable ${name}`,
    }))
}

/** `--set ingress.path.relays=3`. Throws USAGE for what has no `=`. */
export function fromFlags(settings: readonly string[]): Override[] {
  return settings.map((setting) => {
    const equals = setting.indexOf('=')
    if (equals <= 0)
      throw new PosternError('USAGE', `--set ${setting}: expected PATH=VALUE`, {
        remedy: 'for example --set log.level=debug',
      })
    return {
      path: setting.slice(0, equals).split('.'),
      value: parse(setting.slice(equals + 1)) as unknown,
      origin: `flag --set ${setting.slice(0, equals)}`,
    }
  })
}

/** Lays overrides over a file, later ones over earlier ones. */
export function overlay(file: Sourced, overrides: readonly Override[]): Sourced {
  const value = structuredClone(file.value)
  const origins = new Map<string, string>()
  for (const { path, value: set, origin } of overrides) {
    let at = value as Record<string, unknown>
    for (const key of path.slice(0, -1)) {
      at[key] = typeof at[key] === 'object' && at[key] !== null ? at[key] : {}
      at = at[key] as Record<string, unknown>
    }
    at[path.at(-1) ?? ''] = set
    origins.set(path.join('.'), origin)
  }
  return {
    value,
    origin(path) {
      for (let length = path.length; length > 0; length--) {
        const origin = origins.get(path.slice(0, length).map(String).join('.'))
        if (origin !== undefined) return origin
      }
      return file.origin(path)
    },
  }
}

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
}

/** Environment variables are written in capitals: each level is read as the key of the config that it can mean. */
function spell(levels: readonly string[]): string[] {
  let shape: Shape | undefined = configJsonSchema()
  return levels.map((level) => {
    const bare = level.replaceAll('_', '').toLowerCase()
    const key =
      Object.keys(shape?.properties ?? {}).find((known) => known.toLowerCase() === bare) ?? level.toLowerCase()
    shape = shape?.properties?.[key]
    return key
  })
}
