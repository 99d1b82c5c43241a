import { FieldNames } from './http-fields.ts'
import type { FieldLines } from './http-head.ts'

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
const spoken = new RegExp(`^(?:${words.join('|')})(?:-|$)|(?:^|-|client|socket)ip(?:v[46]|-address)?$|[^a-z0-9-]`, 'i')

/**
 * Whether a field could make a backend believe that a request has another origin, path, host or method than it has, or
 * another caller. A client may not say that, unless whoever knows the backend lets it.
 */
export function speaksOfOrigin(name: string): boolean {
  return spoken.test(name)
}

/** The field lines without those that `dropped` names; the same list where there is none. */
export function withoutFields(fields: FieldLines, dropped: (name: string) => boolean): FieldLines {
  for (let i = 0; i < fields.length; i += 2) {
    if (dropped(fields[i] as string)) return fields.filter((_, at) => !dropped(fields[at - (at % 2)] as string))
  }
  return fields
}
