import { exchangeFailures } from '@postern/protocol'
import { configJsonSchema } from './config.ts'
import { warningRows } from './health/registry.ts'

interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly additionalProperties?: Shape | boolean
}

/** The config reference as Markdown: every key of the schema, with its type, its default and what it means. */
export function configReference(): string {
  const rows: string[] = []
  describe(configJsonSchema(), '', rows)
  return [
    '# Configuration',
    '',
    'One YAML file a node. Paths in it are relative to its folder. Values come from the file, then from the environment',
    '(`POSTERN_INGRESS__PATH__RELAYS=3` sets `ingress.path.relays`), then from flags (`--set ingress.path.relays=3`).',
    'Unknown keys are errors. `postern check` says what is wrong and where it was written; `postern check --schema`',
    'prints the JSON Schema for editors. A node has the roles whose sections are there: `relay`, `ingress`,',
    '`egress`, `authority`.',
    '',
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function describe(shape: Shape, path: string, rows: string[]): void {
  for (const [key, inner] of Object.entries(shape.properties ?? {})) {
    const here = path === '' ? key : `${path}.${key}`
    if (inner.properties === undefined || inner.description !== undefined)
      rows.push(row(here, inner, shape.required?.includes(key) === true))
    descend(inner, here, rows)
  }
}

function descend(shape: Shape, path: string, rows: string[]): void {
  describe(shape, path, rows)
  if (shape.items !== undefined) descend(shape.items, `${path}[]`, rows)
  if (typeof shape.additionalProperties === 'object') descend(shape.additionalProperties, `${path}.NAME`, rows)
}

function row(path: string, shape: Shape, required: boolean): string {
  const given = shape.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(shape.default)}\``
  const meaning = (shape.description ?? '').replaceAll('|', '\\|')
  return `| \`${path}\` | ${typeOf(shape)} | ${given} | ${meaning} |`
}

function typeOf(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${String(value)}\``).join(' ')
  if (shape.type === 'array') return `list of ${shape.items === undefined ? 'values' : typeOf(shape.items)}`
  if (shape.type === 'object') return 'section'
  const bounded = shape.maximum !== undefined && shape.maximum < Number.MAX_SAFE_INTEGER
  return bounded ? `${shape.type ?? ''} ${shape.minimum ?? 0}–${shape.maximum ?? ''}` : (shape.type ?? 'value')
}

/** Every answer that is made inside the mesh rather than by the backend, as Markdown. */
export function errorReference(): string {
  const rows = Object.entries(exchangeFailures)
    .filter(([, { status }]) => status !== 499)
    .map(
      ([code, { proxyError, retry, status, title }]) =>
        `| \`${code}\` | ${status} | \`${proxyError}\` | ${retrySaid[retry]} | ${title} |`,
    )
  return [
    '# Errors',
    '',
    'When a request fails inside the mesh, the client gets problem details (RFC 9457, `application/problem+json`) and a',
    '`Proxy-Status` field (RFC 9209). Both say what the client can act on, and nothing about hosts, peers or paths inside.',
    'The `requestId` is in every log line that belongs to the request. Codes are stable.',
    '',
    '| code | status | Proxy-Status error | sent again by the ingress | title |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'A request is sent again only while none of its content has left the ingress, at most four times, twice after BUSY.',
    '',
  ].join('\n')
}

/** Every way in which a node can be unwell, as Markdown. */
export function warningReference(): string {
  const rows = Object.entries(warningRows).map(
    ([code, { remedy, severity, title }]) => `| \`${code}\` | ${severity} | ${title} | ${remedy} |`,
  )
  return [
    '# Warnings',
    '',
    'What can be wrong with a node: one list, which `postern doctor` and `postern status` show, and which a running node',
    'logs (`warning` when one appears or becomes graver, `warning over` when it is gone). Codes are stable. An `error` needs',
    'somebody at once, a `warning` soon, an `info` nobody now. What expires is an `info` within 30 days, a `warning` within 7',
    'and an `error` within 1; a backend that is down is an `error` when its service has no other. Where more is known, the',
    'remedy shown is more to the point.',
    '',
    '| code | severity | what is wrong | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const retrySaid = { any: 'yes', idempotent: 'when the method is idempotent', never: 'no' } as const
