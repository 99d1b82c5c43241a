import type { Egress } from '@postern/egress'
import type { Ingress } from '@postern/ingress'
import type { LogInit } from '@postern/observe'
import type { Clock, Log, Meter, PosternError, WatchedTrunks } from '@postern/protocol'
import type { Config } from './config.ts'

export interface FrontInit {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  /** Where the log goes, for workers, which write to it themselves. */
  readonly logged: LogInit
  readonly meter: Meter
}

/** What one worker is doing, and what it has counted. */
export interface ThreadStatus {
  readonly requests: number
  readonly exchanges: number
  readonly counters: Readonly<Record<string, number>>
}

/** The sides of a node that face clients and backends: in this thread, or spread over workers. */
export interface Front {
  readonly egress: Egress | undefined
  /** How many sets of trunks it reads from. */
  readonly readers: number
  /** Starts the ingress, if there is one. Throws what `startIngress` throws; then nothing listens. */
  listen(trunks: readonly WatchedTrunks[]): Promise<Ingress | undefined>
  /** Fulfilled when a worker has ended and nobody has asked it to. */
  readonly lost: Promise<PosternError>
  /** Workers; none where there is this thread alone. */
  readonly threads: () => ThreadStatus[]
  /** Ends the workers. */
  close(): Promise<void>
}

/** Opens the side that faces backends, and what the other needs; only sides that the node has are loaded. */
export async function openFront(init: FrontInit): Promise<Front> {
  const { config, ...tools } = init
  if (config.workers > 0) return await (await import('./workers/crew.ts')).startCrew(init)
  return {
    egress: config.egress && (await import('@postern/egress')).createEgress({ config: config.egress, ...tools }),
    readers: 1,
    async listen([trunks]) {
      if (config.ingress === undefined || trunks === undefined) return undefined
      const { startIngress } = await import('@postern/ingress')
      return await startIngress({ config: config.ingress, trunks, ...tools })
    },
    lost: new Promise(() => {}),
    threads: () => [],
    async close() {},
  }
}
