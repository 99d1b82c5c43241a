import { PosternError, readable, writeError } from '@postern/protocol'
import { colours, errorColours } from './colours.ts'

/** Exit codes; stable. */
export const exitCode = {
  ok: 0,
  /** The command could not do what it was asked to. */
  failed: 1,
  /** The command line or a config is wrong. */
  usage: 2,
  /** No node runs where one was asked. */
  notRunning: 3,
} as const

const usageCodes = new Set<string>(['USAGE', 'CONFIG_INVALID'])

/** Prints for people, or one line of JSON for programs. */
export function print(json: boolean | undefined, value: unknown, forPeople: () => string): void {
  process.stdout.write(json === true ? `${JSON.stringify(value)}\n` : `${forPeople()}\n`)
}

/** Whether the system has refused to write, whoever has tried. */
function isDiskFault(error: unknown): error is NodeJS.ErrnoException {
  return ['ENOSPC', 'EROFS', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Says what went wrong and what to do, on standard error, and sets the exit code. */
export function complain(thrown: unknown, json: boolean | undefined): void {
  const error = isDiskFault(thrown) ? writeError(thrown.path ?? 'a file', thrown) : thrown
  const known = error instanceof PosternError
  const code = known ? error.code : 'INTERNAL'
  const message = readable(error instanceof Error ? error.message : String(error))
  const remedy = known && error.remedy !== undefined ? readable(error.remedy) : undefined
  if (json === true) process.stderr.write(`${JSON.stringify({ error: { code, message, remedy } })}\n`)
  else {
    process.stderr.write(`${errorColours.red('error')} ${errorColours.dim(code)} ${message}\n`)
    if (remedy !== undefined) process.stderr.write(`  ${errorColours.bold('to do:')} ${remedy}\n`)
    if (!known && error instanceof Error) process.stderr.write(`${errorColours.dim(readable(error.stack ?? ''))}\n`)
  }
  process.exitCode =
    code === 'NOT_RUNNING' ? exitCode.notRunning : usageCodes.has(code) ? exitCode.usage : exitCode.failed
}

/** Rows under a head, in columns as wide as they need to be. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  return [colours.dim(line(head)), ...rows.map(line)].join('\n')
}

/** `name  value` lines, the names in one column. */
export function sheet(pairs: ReadonlyArray<readonly [name: string, value: string]>): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `  ${colours.dim(name.padEnd(width))}  ${value}`).join('\n')
}

/** The last characters of a peer id, which are the ones that differ. */
export function short(peer: string): string {
  return peer.length > 10 ? `…${peer.slice(-8)}` : peer
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`
}
