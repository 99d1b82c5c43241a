import type { LookupKey, Member } from '@postern/identity'
import {
  type Clock,
  type Log,
  type Meter,
  type PeerName,
  PosternError,
  type RelayAddress,
  reasonOf,
} from '@postern/protocol'
import { linkTo } from './circuit/open.ts'
import { askAuthority } from './enrol.ts'
import { startHost } from './host.ts'
import { relayOfAddress } from './neighbours.ts'

export interface JoinInit {
  /** Who asks: one that is invited, or that is a member. */
  readonly member: Member
  /** Lookup keys by which an authority is found. */
  readonly authority: readonly LookupKey[]
  /** See `sealEnrolment` of identity. */
  readonly request: string
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  /** A relay to start from is linked. */
  readonly linked?: (relay: PeerName) => void
}

const dialDeadlineMs = 5000

/**
 * Comes to the mesh for as long as it takes to ask an authority for a credential, and answers with what it said. Throws
 * NO_RELAY where none of the relays to start from can be linked, or what `askAuthority` throws.
 */
export async function join(init: JoinInit): Promise<string> {
  const { authority, member, request } = init
  const host = await startHost({ ...init, relay: undefined })
  try {
    const linked: RelayAddress[] = []
    const reasons: string[] = []
    await Promise.all(
      member.mesh.bootstrap.map(relayOfAddress).map(async (relay) => {
        try {
          await linkTo(host, relay, AbortSignal.timeout(dialDeadlineMs))
          linked.push(relay)
          init.linked?.(relay.peer)
        } catch (error) {
          reasons.push(`${relay.addresses.join(', ')}: ${reasonOf(error)}`)
        }
      }),
    )
    if (linked.length === 0)
      throw new PosternError(
        'NO_RELAY',
        `no relay to start from can be linked: ${reasons.join('; ') || 'none is named'}`,
        {
          remedy:
            'look whether this host can reach them, and whether its clock is right: they answer nobody whose is off by a minute',
        },
      )
    const wanted = () => ({ keys: authority, role: 'authority' }) as const
    return await askAuthority(
      { ...init, host, relays: { linked, known: linked }, verifier: member.verifier, wanted },
      request,
    )
  } finally {
    await host.libp2p.stop()
  }
}
