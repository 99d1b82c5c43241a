import type { Member } from '@postern/identity'
import type { Clock, Log, Meter, PeerName } from '@postern/protocol'
import { linkTo } from './circuit/open.ts'
import { startHost } from './host.ts'
import { relayOfAddress } from './neighbours.ts'
import { passBulletin } from './standing.ts'

export interface AnnounceInit {
  readonly member: Member
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** Which relays took a bulletin, and which could not be reached. */
export interface Announced {
  readonly told: readonly PeerName[]
  readonly unreached: readonly PeerName[]
}

const dialDeadlineMs = 5000

/** Joins the mesh for a moment and hands the member's bulletin to every relay of the mesh file, who pass it on. */
export async function announce(init: AnnounceInit): Promise<Announced> {
  const { member } = init
  const host = await startHost({ ...init, relay: undefined })
  const told: PeerName[] = []
  const unreached: PeerName[] = []
  try {
    await Promise.all(
      member.mesh.bootstrap.map(relayOfAddress).map(async (relay) => {
        try {
          await passBulletin(await linkTo(host, relay, AbortSignal.timeout(dialDeadlineMs)), member.bulletin)
          told.push(relay.peer)
        } catch {
          unreached.push(relay.peer)
        }
      }),
    )
  } finally {
    await host.libp2p.stop()
  }
  return { told, unreached }
}
