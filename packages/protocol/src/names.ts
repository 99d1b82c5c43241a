/** What a node may do in the mesh. One node may have several. */
export const roles = ['relay', 'ingress', 'egress', 'authority'] as const
export type Role = (typeof roles)[number]

/** A mesh, by the hash of the key set that founded it: 32 lower-case base32 characters. */
export type MeshId = string

/** A libp2p peer id in its base58btc text form. */
export type PeerName = string

/** The name under which an egress offers a backend: a DNS label (RFC 1035 section 2.3.1, digits allowed first). */
export type ServiceName = string

const servicePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

export function isServiceName(text: string): text is ServiceName {
  return servicePattern.test(text)
}

/** Whether a credential's service pattern covers a service: equal, `*`, or a prefix that ends in `*`. */
export function covers(patterns: readonly string[], service: ServiceName): boolean {
  return patterns.some((p) => p === service || (p.endsWith('*') && service.startsWith(p.slice(0, -1))))
}

/** Whether there may be a service that a pattern of both covers. */
export function overlap(some: readonly string[], others: readonly string[]): boolean {
  const meets = (wide: string, p: string) => wide.endsWith('*') && p.replace(/\*$/, '').startsWith(wide.slice(0, -1))
  return some.some((p) => others.some((q) => p === q || meets(p, q) || meets(q, p)))
}

/** Whether a text may stand as a service pattern in a credential. */
export function isServicePattern(text: string): boolean {
  return text === '*' || isServiceName(text.endsWith('*') ? text.slice(0, -1).replace(/-$/, '') : text)
}

/** libp2p protocol ids. `ends` names what encrypts a circuit from end to end, all others a stream. */
export const protocolId = {
  ends: '/postern/ends/3.0.0',
  guard: '/postern/guard/2.0.0',
  lookup: '/postern/lookup/2.0.0',
  circuit: '/postern/circuit/3.0.0',
  exchange: '/postern/exchange/1.1.0',
  bulletin: '/postern/bulletin/2.0.0',
  credential: '/postern/credential/1.0.0',
  twins: '/postern/twins/1.0.0',
  enrol: '/postern/enrol/1.0.0',
} as const

/** The mesh's private kad-dht protocol. */
export function kadProtocol(mesh: MeshId): string {
  return `/postern/${mesh}/kad/1.0.0`
}
