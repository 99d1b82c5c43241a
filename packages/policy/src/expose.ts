import { arrivalFields, FieldNames, speaksOfOrigin } from '@postern/protocol'
import { isPlainPath, pathOf } from './path.ts'
import type { ExposeRule } from './schema.ts'

/** Evidence that a request is among those a service exposes: what goes on to the backend cannot be built without it. */
export interface Permit {
  readonly [permitted]: true
  readonly rule: ExposeRule
  /** Whether a request of the rule may not have the field: where a request comes from is for its ingress to say. */
  readonly dropsField: (name: string) => boolean
  /** The same of a trailer field, of which an ingress writes none. */
  readonly dropsTrailer: (name: string) => boolean
}
declare const permitted: unique symbol

/** The rules of a service, ready to be asked. */
export interface Exposure {
  /** Undefined for what is not exposed. A path that two backends may read differently passes `/**` alone. */
  permit(method: string, target: string): Permit | undefined
}

interface CompiledRule {
  readonly methods: ReadonlySet<string> | undefined
  readonly matches: (path: string) => boolean
  readonly everything: boolean
  readonly permit: Permit
}

export function compileExposure(rules: readonly ExposeRule[]): Exposure {
  const compiled = rules.map(compileRule)
  return {
    permit(method, target) {
      const path = pathOf(target)
      const plain = isPlainPath(path)
      for (const rule of compiled) {
        if (rule.methods !== undefined && !rule.methods.has(method)) continue
        if (rule.everything || (plain && rule.matches(path))) return rule.permit
      }
      return undefined
    },
  }
}

function compileRule(rule: ExposeRule): CompiledRule {
  return {
    methods: rule.methods.includes('*') ? undefined : new Set(rule.methods),
    matches: compilePath(rule.path),
    everything: rule.path === '/**',
    permit: permitOf(rule),
  }
}

function permitOf(rule: ExposeRule): Permit {
  const allowed = new FieldNames(rule.fields ?? [])
  const dropsTrailer = (name: string) => speaksOfOrigin(name) && !allowed.has(name)
  const dropsField = (name: string) => speaksOfOrigin(name) && !arrivalFields.has(name) && !allowed.has(name)
  return { rule, dropsField, dropsTrailer } as Permit
}

/**
 * Segments that a rule names are compared as they are written: `/v1/%61` is not `/v1/a`, because there are backends that
 * take it for another path, which another rule may be for.
 */
function compilePath(path: string): (path: string) => boolean {
  if (!path.includes('*')) return (asked) => asked === path
  const open = path.endsWith('/**')
  const parts = (open ? path.slice(0, -3) : path).split('/')
  return (asked) => {
    const segments = asked.split('/')
    if (open ? segments.length < parts.length : segments.length !== parts.length) return false
    return parts.every((part, at) => (part === '*' ? segments[at] !== '' : part === segments[at]))
  }
}
