import type { FieldLines } from './http-head.ts'

/** Fields that speak of one connection and are never forwarded: RFC 9110 section 7.6.1, and what is left of RFC 2616. */
const hopByHop = new Set([
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

const longestHopByHop = 19

/** Whether a field speaks of one connection: no proxy forwards it. */
export function isHopByHop(name: string): boolean {
  return name.length <= longestHopByHop && hopByHop.has(name.toLowerCase())
}

/** Connection options that name no field which could be in the message. */
const plainOptions = new Set(['keep-alive', 'close', 'upgrade', ''])

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
 * names, and without `dropped` (lower case).
 */
export function endToEndFields(fields: FieldLines, dropped: ReadonlySet<string>): string[] {
  const out: string[] = []
  let named: string[] | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase()
    if (name === 'connection') {
      const options = tokensOf(fields[i + 1]).filter((option) => !plainOptions.has(option))
      if (options.length > 0) named = [...(named ?? []), ...options]
    }
    if (hopByHop.has(name) || dropped.has(name)) continue
    out.push(fields[i] as string, fields[i + 1] as string)
  }
  if (named === undefined) return out
  const options = new Set(named)
  return out.filter((_, at) => !options.has((out[at - (at % 2)] as string).toLowerCase()))
}
