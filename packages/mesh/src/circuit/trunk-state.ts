import type { EgressTrunks, PeerName, Rota } from '@postern/protocol'
import { Backoff, shortened } from '../backoff.ts'
import type { Endpoint } from '../directory/find.ts'

/** How often a service is looked for while there is a trunk to it, unless there are many. */
const refreshMs = 15_000
/** All services together are looked for no more often than this. */
const lookupsPerSecond = 10

/** When to look for a service again, to which there is a trunk, where so many are called. */
export function refreshAfterMs(services: number): number {
  return shortened(Math.max(refreshMs, (services * 1000) / lookupsPerSecond))
}

/** A search that finds nobody is not believed so soon after one that did: the directory forgets while a mesh changes. */
const doubtMs = 60_000

/** Whether it is certain that nobody offers the service. */
export function isMissing(state: ServiceState): boolean {
  return state.missing && performance.now() - state.foundMs > doubtMs
}

/** What a pool keeps of one egress: its trunks, and how the next one is come by. */
export interface EgressState extends EgressTrunks {
  endpoint: Endpoint
  readonly backoff: Backoff
  opening: Promise<void> | undefined
  retry: NodeJS.Timeout | undefined
}

/** What a pool keeps of one service that is called. */
export interface ServiceState extends Rota {
  egresses: readonly PeerName[]
  /** The last search came to its end and found nobody. */
  missing: boolean
  /** When an egress was last found, on the process's clock. */
  foundMs: number
  refresh: Promise<void> | undefined
  readonly backoff: Backoff
  retry: NodeJS.Timeout | undefined
}

export function newEgress(endpoint: Endpoint): EgressState {
  return {
    endpoint,
    trunks: new Set(),
    turn: 0,
    backoff: new Backoff(100, 30_000),
    opening: undefined,
    retry: undefined,
  }
}

export function newService(): ServiceState {
  const backoff = new Backoff(250, refreshMs)
  return {
    egresses: [],
    missing: false,
    foundMs: Number.NEGATIVE_INFINITY,
    next: 0,
    refresh: undefined,
    backoff,
    retry: undefined,
  }
}
