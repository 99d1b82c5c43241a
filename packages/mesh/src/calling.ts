import type { Member } from '@postern/identity'
import type { Clock, Log, Meter, PeerName, ServiceName } from '@postern/protocol'
import { TrunkPool, type TrunksInit } from './circuit/trunks.ts'
import { Finder, wanted } from './directory/find.ts'
import type { Host } from './host.ts'
import { type ChoiceStore, chosenRelays, goneForGoodMs, Neighbours } from './neighbours.ts'
import { PathChooser } from './path.ts'

export interface IngressPart {
  /** Services that are called here. */
  readonly services: () => readonly ServiceName[]
  /** Relays on the way to an egress: 1 to 3. */
  readonly relays: number
  /** Trunks kept open to each egress, for each reader. */
  readonly trunks: number
  /** Who reads trunks, each its own; 1 unless said otherwise. */
  readonly readers?: number
  readonly entries: ChoiceStore
}

export interface PartInit {
  readonly host: Host
  readonly member: Member
  /** Whether anybody may be called now. */
  readonly isAllowed: () => boolean
  /** Multiaddrs to start from, each ending in /p2p/PEER. */
  readonly bootstrap: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** What an ingress has of the mesh: entries of its own choosing, and trunks over them. */
export interface Calling {
  readonly entries: Neighbours
  /** One for each reader, at least one. */
  readonly pools: readonly [TrunkPool, ...TrunkPool[]]
  /** Looks for the services at once. */
  refresh(): void
  /** Egresses by service, with the open trunks of all readers. */
  describe(): ReturnType<TrunkPool['describe']>
  stop(): void
}

export function startCalling(init: PartInit, ingress: IngressPart): Calling {
  const { bootstrap, clock, host, isAllowed, log, member, meter } = init
  const entries = new Neighbours({
    host,
    bootstrap,
    clock,
    log,
    replaceAfterMs: goneForGoodMs,
    count: chosenRelays,
    store: ingress.entries,
    linked: () => refresh(),
  })
  const paths = new PathChooser({ relays: ingress.relays, entries: () => entries.linked, known: () => entries.known })
  const finder = shared(new Finder({ host, paths, clock, log, verifier: member.verifier }))
  const trunks: TrunksInit = {
    host,
    isAllowed,
    finder,
    wanted: (service) => wanted(member.bulletin, service, 'egress'),
    paths,
    clock,
    log,
    meter,
    services: ingress.services,
    perEgress: ingress.trunks,
  }
  const others = Array.from({ length: (ingress.readers ?? 1) - 1 }, () => new TrunkPool(trunks))
  const pools: Calling['pools'] = [new TrunkPool(trunks), ...others]
  const refresh = () => {
    for (const pool of pools) pool.refresh()
  }
  entries.start()
  refresh()
  return {
    entries,
    pools,
    refresh,
    describe: () => sumOf(pools.map((pool) => pool.describe())),
    stop() {
      for (const pool of pools) pool.stop()
      entries.stop()
    },
  }
}

/** Those who look for the same at the same time share one search. */
function shared(finder: Finder): Pick<Finder, 'find'> {
  const searches = new Map<string, ReturnType<Finder['find']>>()
  return {
    find(what) {
      const key = [what.role, ...what.keys].join(' ')
      const search = searches.get(key) ?? finder.find(what).finally(() => searches.delete(key))
      searches.set(key, search)
      return search
    },
  }
}

type Described = ReturnType<TrunkPool['describe']>

/** What several pools say of the same services, each egress once, with the trunks of all. */
function sumOf(said: readonly Described[]): Described {
  const services = new Map<ServiceName, Map<PeerName, Described[number]['egresses'][number]>>()
  for (const { egresses, service } of said.flat()) {
    const known = services.get(service) ?? new Map()
    services.set(service, known)
    for (const each of egresses)
      known.set(each.egress, { ...each, trunks: each.trunks + (known.get(each.egress)?.trunks ?? 0) })
  }
  return [...services].map(([service, egresses]) => ({ service, egresses: [...egresses.values()] }))
}
