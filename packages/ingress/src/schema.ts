import { isNetwork, isOriginForm, isServiceName, portProblem, readAuthority } from '@postern/protocol'
import { z } from 'zod'
import { forwardedFields } from './forwarded.ts'

const listenUrl = z
  .url({
    protocol: /^https?$/,
    error: ({ input }) => portProblem(String(input)) ?? 'must be http://HOST:PORT or https://HOST:PORT',
    abort: true,
  })
  .refine((text) => new URL(text).pathname === '/', 'must not have a path')

const listenSchema = z
  .strictObject({
    url: listenUrl.describe('where clients arrive; port 0 for any free one'),
    tls: z.strictObject({ cert: z.string(), key: z.string() }).optional().describe('PEM files for https'),
    proxyProtocol: z
      .boolean()
      .default(false)
      .describe(
        'each connection begins with a header of the PROXY protocol, version 1 or 2, that says who it is from; one without, or not from ingress.trustedProxies, is closed',
      ),
  })
  .refine(({ url, tls }) => url.startsWith('https:') === (tls !== undefined), 'https needs tls, and http has none')

const host = z
  .string()
  .refine(isRouteHost, 'must be a host without a port, in lower case and IPv6 in its shortest form; or *.DOMAIN, or *')

/** Whether a request can be for such a host: `readAuthority` gives it back as it is. */
function isRouteHost(text: string): boolean {
  const name = text.replace(/^\*\./, 'any.')
  return text === '*' || readAuthority(name)?.host === name
}

/** A path prefix without query that a target can begin with. */
const prefix = z
  .string()
  .startsWith('/')
  .refine((text) => isOriginForm(text) && !text.includes('?'), 'must be a path: percent-encode the rest')

const routeSchema = z.strictObject({
  host: host.default('*').describe('host of the request, *.DOMAIN for its subdomains, * for any'),
  path: prefix.default('/').describe('path prefix, whole segments'),
  service: z.string().refine(isServiceName, 'must be a DNS label: a-z, 0-9 and -'),
  answerMs: z.int().min(1).default(60_000).describe('time for the head of an answer, in ms'),
})

const network = z
  .string()
  .refine(isNetwork, 'must be an IP address or a network like 10.0.0.0/8, with no bit set behind it')

const ingressShape = z.strictObject({
  listen: z.array(listenSchema).min(1),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      'addresses and networks of balancers before this ingress: what they say of who a request is from is believed, and they are not limited as one client',
    ),
  forwardedField: z
    .enum(forwardedFields)
    .default('x-forwarded-for')
    .describe(
      'where trusted proxies say for whom they forward; each must write it, and x-forwarded-proto beside x-forwarded-for, whatever a client has sent',
    ),
  routes: z
    .array(routeSchema)
    .min(1)
    .describe('which service answers which requests; the most specific host, then the longest path wins'),
  path: z
    .strictObject({
      relays: z
        .int()
        .min(1)
        .max(3)
        .default(2)
        .describe('relays between this node and an egress; with 1 a relay sees both ends'),
      trunks: z.int().min(1).max(16).default(2).describe('trunks kept open to each egress'),
    })
    .prefault({}),
  encodeQuery: z
    .boolean()
    .default(false)
    .describe(
      'percent-encode what RFC 3986 does not allow in a query and some clients send as it is, like [ ] { } and |; such a request is answered with 400 otherwise',
    ),
  serverTiming: z
    .boolean()
    .default(false)
    .describe('tell clients how long the backend and the mesh took (Server-Timing)'),
  requestId: z.boolean().default(true).describe('put a request id on every answer (X-Request-Id)'),
  limits: z
    .strictObject({
      connections: z
        .int()
        .min(1)
        .default(20_000)
        .describe(
          'client connections at a time; for one more the oldest without a request so far is closed, or else that one',
        ),
      connectionsPerAddress: z
        .int()
        .min(1)
        .default(2000)
        .describe('client connections of one address, an IPv6 one by its /64; not of trusted proxies'),
      handshakeMs: z
        .int()
        .min(1)
        .default(5000)
        .describe('time from a connection to the end of its TLS handshake, a PROXY header before it included, in ms'),
      exchangesPerConnection: z
        .int()
        .min(1)
        .max(1000)
        .default(8)
        .describe('requests under way on one connection; more wait, and the connection is not read'),
      exchangesPerAddress: z
        .int()
        .min(1)
        .default(1024)
        .describe(
          'requests under way of one client address, an IPv6 one by its /64; more are answered with CLIENT_BUSY',
        ),
      upgradesPerAddress: z
        .int()
        .min(1)
        .default(1024)
        .describe('connections of one client address that were switched to another protocol, as WebSockets are'),
      exchangesPerService: z
        .int()
        .min(1)
        .default(4096)
        .describe('requests under way to one service; more are answered with BUSY'),
      bufferBytes: z
        .int()
        .min(4 * 1024 * 1024)
        .default(128 * 1024 * 1024)
        .describe(
          'octets of heads and content that all exchanges hold together, while a client or the mesh does not take them; beyond it the heaviest is given up',
        ),
      contentMs: z
        .int()
        .min(1)
        .default(30_000)
        .describe('time for the content of a request to arrive, in ms; what contentBytesPerSecond gives comes on top'),
      contentBytesPerSecond: z
        .int()
        .min(1)
        .default(500)
        .describe('octets of content that give it one second more to arrive'),
      headBytes: z.int().min(1024).max(60_000).default(32_768).describe('size of a request head'),
      headMs: z.int().min(1).default(15_000).describe('time for a request head to arrive, in ms'),
      idleMs: z
        .int()
        .min(1)
        .default(300_000)
        .describe('time without an octet in either direction of an exchange, in ms'),
      keepAliveMs: z.int().min(1).default(60_000).describe('how long an idle connection is kept, in ms'),
    })
    .prefault({}),
})

export const ingressSchema = ingressShape.superRefine(({ listen, trustedProxies }, context) => {
  for (const [at, { proxyProtocol }] of listen.entries()) {
    if (!proxyProtocol || trustedProxies.length > 0) continue
    const message = 'needs trustedProxies: who may say where connections are from'
    context.addIssue({ code: 'custom', path: ['listen', at, 'proxyProtocol'], message })
  }
})

export type IngressConfig = z.infer<typeof ingressSchema>
export type RouteConfig = z.infer<typeof routeSchema>
export type ListenConfig = z.infer<typeof listenSchema>
