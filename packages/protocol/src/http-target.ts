/** The target of a request, by itself or with the authority that its absolute form names. */
export interface RequestTarget {
  readonly authority: string | undefined
  /** Path and query, or `*`. */
  readonly target: string
}

/** RFC 9112 section 3.2.1 in the characters of RFC 3986 sections 3.3 and 3.4; each part of the pattern excludes the next. */
const originForm =
  /^\/[\w\-.~!$&'()*+,;=:@/]*(?:%[0-9a-fA-F]{2}[\w\-.~!$&'()*+,;=:@/]*)*(?:\?[\w\-.~!$&'()*+,;=:@/?]*(?:%[0-9a-fA-F]{2}[\w\-.~!$&'()*+,;=:@/?]*)*)?$/
/** RFC 9112 section 3.2.2. */
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i

/** Whether a text is a path with or without a query, in the characters that RFC 3986 allows there. */
export function isOriginForm(text: string): boolean {
  return originForm.test(text)
}

/** Whether a text may be the target of a request with this method; `*` is of OPTIONS alone (RFC 9112 section 3.2.4). */
export function isTarget(method: string, text: string): boolean {
  return text === '*' ? method === 'OPTIONS' : originForm.test(text)
}

/**
 * Reads what stands in a request line between method and version. Undefined for what is no target, or one that is only
 * for CONNECT. The authority is as it was written: `readAuthority` reads it.
 */
export function readRequestTarget(method: string, text: string): RequestTarget | undefined {
  if (text.startsWith('/') || text === '*') {
    return isTarget(method, text) ? { authority: undefined, target: text } : undefined
  }
  const [, authority, rest = ''] = absoluteForm.exec(text) ?? []
  if (authority === undefined) return undefined
  // RFC 9112 section 3.2.4: a server as a whole is asked for by an absolute form without path and query.
  const target = rest.startsWith('/') ? rest : rest === '' && method === 'OPTIONS' ? '*' : `/${rest}`
  return isTarget(method, target) ? { authority, target } : undefined
}

/** What browsers and curl leave as it is in a query, and RFC 3986 does not allow there. */
const loose = /["<>[\]\\^`{|}]/g

/** A target whose query is percent-encoded where clients are known not to do that; all else stays as it is. */
export function withEncodedQuery(text: string): string {
  const query = text.indexOf('?')
  if (query < 0) return text
  const encoded = text
    .slice(query)
    .replace(loose, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  return text.slice(0, query) + encoded
}
