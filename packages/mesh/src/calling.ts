import type { Member } from '@postern/identity'
import type { Clock, Log, Meter, ServiceName } from '@postern/protocol'
import { TrunkPool } from './circuit/trunks.ts'
import { Finder, wanted } from './directory/find.ts'
import type { Host } from './host.ts'
import { type ChoiceStore, chosenRelays, goneForGoodMs, Neighbours } from './neighbours.ts'
import { PathChooser } from './path.ts'

export interface IngressPart {
  /** Services that are called here. */
  readonly services: () => readonly ServiceName[]
  /** Relays on the way to an egress: 1 to 3. */
  readonly relays: number
  /** Trunks kept open to each egress. */
  readonly trunks: number
  readonly entries: ChoiceStore
}

export interface PartInit {
  readonly host: Host
  readonly member: Member
  /** Multiaddrs to start from, each ending in /p2p/PEER. */
  readonly bootstrap: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** What an ingress has of the mesh: entries of its own choosing, and trunks over them. */
export interface Calling {
  readonly entries: Neighbours
  readonly pool: TrunkPool
  stop(): void
}

export function startCalling(init: PartInit, ingress: IngressPart): Calling {
  const { bootstrap, clock, host, log, member, meter } = init
  const entries = new Neighbours({
    host,
    bootstrap,
    clock,
    log,
    replaceAfterMs: goneForGoodMs,
    count: chosenRelays,
    store: ingress.entries,
    linked: () => pool.refresh(),
  })
  const paths = new PathChooser({ relays: ingress.relays, entries: () => entries.linked, known: () => entries.known })
  const finder = new Finder({ host, paths, clock, log, verifier: member.verifier })
  const pool = new TrunkPool({
    host,
    finder,
    wanted: (service) => wanted(member.bulletin, service, 'egress'),
    paths,
    clock,
    log,
    meter,
    services: ingress.services,
    perEgress: ingress.trunks,
  })
  entries.start()
  pool.refresh()
  const stop = () => {
    pool.stop()
    entries.stop()
  }
  return { entries, pool, stop }
}
