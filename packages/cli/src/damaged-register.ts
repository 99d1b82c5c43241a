import { colours } from './colours.ts'

/** What people are told below a sheet where lines of an authority's register cannot be read; nothing where all can. */
export function damagedRegister(lines: readonly number[]): string {
  if (lines.length === 0) return ''
  const which = `${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}`
  return `\n\n${colours.yellow('warning')} ${which} of issued.jsonl cannot be read: what was issued there is taken back by its peer id alone`
}
