import type { MeshId, PeerName, Role } from './names.ts'

/** JWS types of the statements an authority signs (RFC 7515 section 4.1.9). */
export const statementType = {
  credential: 'postern-credential+jwt',
  invite: 'postern-invite+jwt',
  enrolment: 'postern-enrolment+jwt',
  replacement: 'postern-replacement+jwt',
  admission: 'postern-admission+jwt',
  record: 'postern-record+jwt',
  bulletin: 'postern-bulletin+jwt',
  heartbeat: 'postern-heartbeat+jwt',
} as const

/** What a credential says, once its signature, mesh, peer and time have been checked. */
export interface Credential {
  readonly mesh: MeshId
  readonly peer: PeerName
  readonly name: string
  /** None of one who is only invited. */
  readonly roles: readonly Role[]
  /** Patterns of services the peer may offer as egress or call as ingress. */
  readonly services: readonly string[]
  readonly id: string
  /** Id of the authority's key that has signed it. */
  readonly signer: string
  readonly notBeforeMs: number
  readonly expiresMs: number
}
