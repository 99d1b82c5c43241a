import type { MeshId, PeerName, Role } from './names.ts'

/** JWS types of the statements an authority signs (RFC 7515 section 4.1.9). */
export const statementType = {
  credential: 'postern-credential+jwt',
  record: 'postern-record+jwt',
  revocations: 'postern-revocations+jwt',
} as const

/** What a credential says, once its signature, mesh, peer and time have been checked. */
export interface Credential {
  readonly mesh: MeshId
  readonly peer: PeerName
  readonly name: string
  readonly roles: readonly Role[]
  /** Patterns of services the peer may offer as egress or call as ingress. */
  readonly services: readonly string[]
  readonly id: string
  readonly notBeforeMs: number
  readonly expiresMs: number
}
