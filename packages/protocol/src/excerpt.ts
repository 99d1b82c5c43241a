const usualLength = 80
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

const escaped = (character: string) =>
  character === '\n' ? '\\n' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/**
 * What of a text fits on a line of a message: no line break, nothing that steers a terminal, and where it is longer than
 * `max`, its beginning and its length.
 */
export function excerpt(text: string, max = usualLength): string {
  if (text.length <= max) return text.replace(unprintable, escaped)
  return `${text.slice(0, max).replace(unprintable, escaped)}… (${text.length} characters)`
}

/** As much of a value as fits on a line, as JSON; of any value, one that JSON cannot write too. */
export function quoted(value: unknown, max = usualLength): string {
  if (typeof value === 'string' && value.length > max)
    return `${excerpt(JSON.stringify(value.slice(0, max)), 2 * max)}… (${value.length} characters)`
  try {
    return excerpt(JSON.stringify(value) ?? String(value), max)
  } catch {
    return 'a value that refers to itself'
  }
}

/** A message with each line, and the number of lines, cut to what a person reads. */
export function readable(message: string, { lines = 60, columns = 400 } = {}): string {
  const all = message.split('\n', lines + 1)
  const kept = all.slice(0, lines).map((line) => (line.length > columns ? excerpt(line, columns) : line))
  return [...kept, ...(all.length > lines ? ['…'] : [])].join('\n')
}
