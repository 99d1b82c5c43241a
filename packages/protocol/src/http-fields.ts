import type { FieldLines } from './http-head.ts'

/**
 * A set of field names, whatever their case. Asked by length first: most names are found not to be in it without being
 * put into lower case, or looked up in a table, which would cost a name that came off the wire more than the rest.
 */
export class FieldNames {
  readonly #byLength: string[][] = []

  /** The names in lower case. */
  constructor(names: Iterable<string>) {
    for (const name of names) {
      this.#byLength[name.length] ??= []
      this.#byLength[name.length]?.push(name)
    }
  }

  has(name: string): boolean {
    const names = this.#byLength[name.length]
    return names?.includes(name.toLowerCase()) === true
  }
}

/** Fields that speak of one connection and are never forwarded: RFC 9110 section 7.6.1, and what is left of RFC 2616. */
const hopByHop = new FieldNames([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
])

/** Whether a field speaks of one connection: no proxy forwards it. */
export function isHopByHop(name: string): boolean {
  return hopByHop.has(name)
}

/** Connection options that name no field which could be in the message. */
const plainOptions = new Set(['keep-alive', 'close', 'upgrade', ''])

/** The fields that a value of Connection names. */
function namedBy(value: string): readonly string[] {
  if (plainOptions.has(value)) return nothing
  return tokensOf(value).filter((option) => !plainOptions.has(option))
}

const nothing: readonly string[] = []

/** The value of a field by its lower-case name; the values of several lines are joined (RFC 9110 section 5.3). */
export function fieldValue(fields: FieldLines, name: string): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const line = fields[i] as string
    if (line.length !== name.length || line.toLowerCase() !== name) continue
    found = found === undefined ? fields[i + 1] : `${found}, ${fields[i + 1] ?? ''}`
  }
  return found
}

/** The tokens of a comma-separated field, in lower case. */
export function tokensOf(value: string | undefined): string[] {
  return (value ?? '').split(',').map((token) => token.trim().toLowerCase())
}

/**
 * The field lines that a proxy forwards, in order: without those of this connection, without those that Connection
 * names, and without `dropped`.
 */
export function endToEndFields(fields: FieldLines, dropped?: FieldNames): string[] {
  const out: string[] = []
  let named: string[] | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    const value = fields[i + 1] as string
    if (hopByHop.has(name)) {
      if (name.toLowerCase() === 'connection') named = [...(named ?? []), ...namedBy(value)]
    } else if (dropped?.has(name) !== true) out.push(name, value)
  }
  if (named === undefined || named.length === 0) return out
  const options = new FieldNames(named)
  return out.filter((_, at) => !options.has(out[at - (at % 2)] as string))
}
