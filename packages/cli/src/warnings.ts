import type { Severity, Warning } from '@postern/node'
import { colours } from './colours.ts'

const paint: Readonly<Record<Severity, (text: string) => string>> = {
  info: colours.cyan,
  warning: colours.yellow,
  error: colours.red,
}

/** What is wrong with a node, why, and what to do about it; for people. */
export function describeWarning({ cause, code, remedy, severity, title }: Warning): string {
  const why = cause.split('\n').join('\n    ')
  return `  ${paint[severity](severity)} ${colours.dim(code)} ${title}\n    ${why}\n    ${colours.bold('to do:')} ${remedy}`
}
