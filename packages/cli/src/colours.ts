import type { WriteStream } from 'node:tty'
import pc from 'picocolors'

/**
 * Colours for what goes to one stream: where a person reads it, or where FORCE_COLOR asks for them, and never where
 * NO_COLOR says no (no-color.org, force-color.org). A run under CI is no reason: a program reads what it prints.
 */
function coloursOf(stream: Partial<Pick<WriteStream, 'isTTY'>>): ReturnType<typeof pc.createColors> {
  const { FORCE_COLOR: wanted, NO_COLOR: unwanted, TERM: terminal } = process.env
  if (unwanted !== undefined && unwanted !== '') return pc.createColors(false)
  if (wanted !== undefined && wanted !== '') return pc.createColors(wanted !== '0')
  return pc.createColors(stream.isTTY === true && terminal !== 'dumb')
}

/** For standard output. */
export const colours = coloursOf(process.stdout)
/** For standard error. */
export const errorColours = coloursOf(process.stderr)
