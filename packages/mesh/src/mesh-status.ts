import type { PeerName } from '@postern/protocol'
import type { TrunkPool } from './circuit/trunks.ts'
import type { RelayStatus } from './fault.ts'
import type { FreshnessStatus } from './freshness.ts'
import type { TwinsStatus } from './twins.ts'
import type { Withheld } from './withheld.ts'

/** One neighbour or far end as an operator sees it. */
export interface PeerStatus {
  readonly peer: PeerName
  readonly name: string
  readonly roles: readonly string[]
  readonly over: 'link' | 'circuit'
  readonly direction: string
  /** Circuits that it has opened here, and the octets relayed on those since it is linked. */
  readonly circuits: number
  readonly bytes: number
}

export interface MeshStatus {
  readonly peer: PeerName
  readonly addresses: readonly string[]
  readonly circuits: number
  /** Neighbours that are kept out now because they have misbehaved. */
  readonly banned: number
  readonly guards: { readonly chosen: number; readonly linked: number; readonly registered: number } | undefined
  readonly entries: { readonly chosen: number; readonly linked: number } | undefined
  readonly services: ReturnType<TrunkPool['describe']>
  /** Relays that this node wants a link to. */
  readonly relays: readonly RelayStatus[]
  /** The sequence of the newest list of revocations that a neighbour has. */
  readonly bulletinHeard: number
  /** The last bulletin that relays did not pass on. */
  readonly bulletinWithheld: Withheld | undefined
  /** Two processes with one identity. */
  readonly twins: TwinsStatus
  readonly freshness: FreshnessStatus
}
