import type { RelayAddress } from '@postern/protocol'
import { type RelayStatus, tryLink } from './fault.ts'
import { type HostInit, startHost } from './host.ts'
import { relayOfAddress } from './neighbours.ts'

export type ProbeInit = Pick<HostInit, 'member' | 'clock' | 'log' | 'meter'>

const dialDeadlineMs = 5000

/** Relays of the member's mesh file, each once, without the member itself. */
export function relaysToProbe({ member }: Pick<ProbeInit, 'member'>): RelayAddress[] {
  const own = member.key.peerId.toString()
  const relays = new Map<string, RelayAddress>()
  for (const { peer, addresses } of member.mesh.bootstrap.map(relayOfAddress)) {
    if (peer === own) continue
    relays.set(peer, { peer, addresses: [...(relays.get(peer)?.addresses ?? []), ...addresses] })
  }
  return [...relays.values()]
}

/**
 * Joins the mesh for a moment and links to each relay of the mesh file; `seen` hears of each as soon as it is known.
 * Not for a member whose node runs: the two would be one peer to the relays.
 */
export async function probeRelays(init: ProbeInit, seen: (relay: RelayStatus, tookMs: number) => void): Promise<void> {
  const host = await startHost({ ...init, relay: undefined })
  try {
    await Promise.all(
      relaysToProbe(init).map(async (relay) => {
        const startMs = performance.now()
        const fault = await tryLink(host, relay, AbortSignal.timeout(dialDeadlineMs))
        const status = fault === undefined ? { ...relay, linked: true } : { ...relay, linked: false, fault }
        seen(status, performance.now() - startMs)
      }),
    )
  } finally {
    await host.libp2p.stop()
  }
}
