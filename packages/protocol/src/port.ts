/** The highest number of a TCP port. */
const highest = 65_535

/** What is wrong with the port that an address or a URL ends in; undefined where nothing is, or where there is none. */
export function portProblem(address: string): string | undefined {
  const digits = /(?:\/tcp\/|[^:]:)(\d+)\/?$/.exec(address)?.[1]
  if (digits === undefined || Number(digits) <= highest) return undefined
  return `the port is too large: ${highest} is the highest`
}
