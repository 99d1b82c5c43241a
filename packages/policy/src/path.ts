import { isOriginForm } from '@postern/protocol'

/**
 * What makes two readers take a path for two different ones: dot segments, empty segments, parameters of segments, and
 * separators, controls or percent-encodings that are encoded themselves. Octets that no UTF-8 has come on top.
 */
const ambiguous = /;|\/\/|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)|%(?:2f|5c|3b|[01][0-9a-f]|7f|25[0-9a-f]{2})/i
const beyondAscii = /%[89a-f]/i

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/** Whether a path is one by RFC 3986, and every reader takes it for the same one. */
export function isPlainPath(path: string): boolean {
  return isOriginForm(path) && !ambiguous.test(path) && (!beyondAscii.test(path) || isUtf8(path))
}

function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
