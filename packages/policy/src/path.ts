/** A request's path as rules see it. */
export interface RulePath {
  /** Without query, unreserved characters decoded (RFC 3986 section 6.2.2.2). */
  readonly path: string
  /** A backend might read it as another path: dot segments, encoded separators, empty segments, backslashes. */
  readonly ambiguous: boolean
}

const suspicious = /%2f|%5c|%00|\\|\/\/|%(?![0-9a-f]{2})/i
const dotSegment = /(^|\/)\.{1,2}(\/|$)/

export function rulePathOf(target: string): RulePath {
  const query = target.indexOf('?')
  const raw = query < 0 ? target : target.slice(0, query)
  const path = raw.includes('%') ? raw.replace(/%[0-9a-f]{2}/gi, decodeUnreserved) : raw
  return { path, ambiguous: suspicious.test(path) || dotSegment.test(path) || path.includes(';') }
}

function decodeUnreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded.toUpperCase()
}
