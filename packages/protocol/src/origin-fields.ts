import { FieldNames } from './http-fields.ts'
import { commonNames, type FieldLines } from './http-head.ts'

/** Fields in which an ingress tells backends where a request comes from; of no one else they are passed on. */
export const arrivalFieldNames = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const
export const arrivalFields = new FieldNames(arrivalFieldNames)

/** First words of names, behind which nothing or a hyphen follows. */
const words = [
  'forwarded',
  'x-forwarded',
  'x-forward',
  'fly-forwarded',
  'x-real',
  'x-remote',
  'remote',
  'x-cluster',
  'x-proxy',
  'x-proxyuser',
  'proxy',
  'wl-proxy',
  'x-envoy',
  'x-azure',
  'x-arr',
  'x-appengine',
  'x-vercel',
  'akamai',
  'fastly',
  'cf-connecting',
  'cf-pseudo',
  'cf-ipcountry',
  'cf-visitor',
  'front-end-https',
  'https',
  'x-https',
  'x-scheme',
  'x-proto',
  'x-url',
  'x-host',
  'x-port',
  'x-original',
  'x-originally',
  'x-originating',
  'x-orig',
  'x-rewrite',
  'x-override',
  'x-http',
  'x-method',
  'x-request-uri',
  'x-waws',
  'x-accel',
  'x-sendfile',
  'client-cert',
  'x-client-cert',
  'x-client-dn',
  'x-client-verify',
  'ssl',
  'x-ssl',
  'x-authenticated',
  'x-webauth',
  'x-auth-request',
  'x-amzn-mtls',
  'x-amzn-oidc',
  'x-goog-authenticated',
  'x-goog-iap',
  'x-ms-client-principal',
]

/**
 * Beside those words: names that end as the address of a client does, and names with other characters than letters,
 * digits and hyphens. CGI, and what takes after it, makes one character of all of these: X_Forwarded_For is
 * X-Forwarded-For to a backend there.
 */
const spoken = new RegExp(`^(?:${words.join('|')})(?:-|$)|(?:^|-|client|socket)ip(?:v[46]|-address)?$`, 'i')
const ordinary = codesOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-')
const lasts = codesOf('pP46sS')
/** The first two characters of all words, by their codes. */
const firsts = new Uint8Array(1 << 14)
for (const word of words) {
  for (const one of [word, word.toUpperCase()])
    for (const two of [word, word.toUpperCase()]) firsts[(one.charCodeAt(0) << 7) | two.charCodeAt(1)] = 1
}

function codesOf(characters: string): Uint8Array {
  const codes = new Uint8Array(128)
  for (const character of characters) codes[character.charCodeAt(0)] = 1
  return codes
}

/**
 * Whether a field could make a backend believe that a request has another origin, path, host or method than it has, or
 * another caller. A client may not say that, unless whoever knows the backend lets it. The pattern is tried on names that
 * begin or end as those do: on all it would cost a request as much as the rest of its fields.
 */
export function speaksOfOrigin(name: string): boolean {
  return common.get(name) ?? speaks(name)
}

function speaks(name: string): boolean {
  const last = name.length - 1
  for (let at = 0; at <= last; at++) if (ordinary[name.charCodeAt(at)] !== 1) return true
  const begins = firsts[(name.charCodeAt(0) << 7) | name.charCodeAt(1)] === 1
  return (begins || lasts[name.charCodeAt(last)] === 1) && spoken.test(name)
}

/** Of names that travel as a number, which are the same texts each time: told without looking at their characters. */
const common = new Map(commonNames.map((name) => [name, speaks(name)]))

/** The field lines without those that `dropped` names; the same list where there is none. */
export function withoutFields(fields: FieldLines, dropped: (name: string) => boolean): FieldLines {
  for (let i = 0; i < fields.length; i += 2) {
    if (dropped(fields[i] as string)) return fields.filter((_, at) => !dropped(fields[at - (at % 2)] as string))
  }
  return fields
}
