import { directoryKeyOf } from '@postern/identity'
import {
  type Clock,
  type DirectoryKey,
  maxRecordsPerAnswer,
  maxRecordsPerGuard,
  maxRecordsPerPeer,
  type PeerName,
  recordLifeMs,
  type ServiceId,
} from '@postern/protocol'
import { shuffled } from '../path.ts'

interface Kept {
  readonly sealed: Uint8Array
  readonly expiresMs: number
}

/**
 * The records a guard holds, by id and by the egress whose link they came over: in memory only, no longer than that link,
 * and no longer than a record lives. The guard cannot read them.
 */
export class Records {
  readonly #clock: Clock
  readonly #perEgress: number
  readonly #byService = new Map<ServiceId, Map<PeerName, Kept>>()
  readonly #byKey = new Map<DirectoryKey, ServiceId>()
  readonly #perPeer = new Map<PeerName, Set<ServiceId>>()
  #size = 0

  constructor(clock: Clock, perEgress = maxRecordsPerPeer) {
    this.#clock = clock
    this.#perEgress = perEgress
  }

  get services(): ServiceId[] {
    return [...this.#byService.keys()]
  }

  has(service: ServiceId): boolean {
    return this.#byService.has(service)
  }

  /** Whether there are records under the id that the key stands for. */
  hasKey(key: DirectoryKey): boolean {
    return this.#byKey.has(key)
  }

  get size(): number {
    return this.#size
  }

  /** Keeps a record in the place of the one before; beyond the ceilings of the guard or of the peer it is refused. */
  put(service: ServiceId, egress: PeerName, sealed: Uint8Array): 'kept' | 'full' {
    const records = this.#byService.get(service) ?? new Map<PeerName, Kept>()
    const own = this.#perPeer.get(egress) ?? new Set<ServiceId>()
    const known = records.has(egress)
    if (!known && (own.size >= this.#perEgress || this.#size >= maxRecordsPerGuard)) return 'full'
    if (!known) this.#size += 1
    records.set(egress, { sealed, expiresMs: this.#clock.now() + recordLifeMs })
    own.add(service)
    this.#byService.set(service, records)
    this.#byKey.set(directoryKeyOf(service), service)
    this.#perPeer.set(egress, own)
    return 'kept'
  }

  remove(service: ServiceId, egress: PeerName): void {
    const records = this.#byService.get(service)
    if (records?.delete(egress) !== true) return
    this.#size -= 1
    if (records.size === 0) {
      this.#byService.delete(service)
      this.#byKey.delete(directoryKeyOf(service))
    }
    const own = this.#perPeer.get(egress)
    own?.delete(service)
    if (own?.size === 0) this.#perPeer.delete(egress)
  }

  removeAll(egress: PeerName): void {
    for (const service of Array.from(this.#perPeer.get(egress) ?? [])) this.remove(service, egress)
  }

  /** Removes what has not been renewed in time, as the ids of a day that is over. */
  sweep(): void {
    const now = this.#clock.now()
    for (const [service, records] of Array.from(this.#byService))
      for (const [egress, { expiresMs }] of Array.from(records)) if (expiresMs <= now) this.remove(service, egress)
  }

  /** Records under an id that are of now, at most as many as one answer holds, in random order. */
  of(service: ServiceId): Uint8Array[] {
    const now = this.#clock.now()
    const live = [...(this.#byService.get(service)?.values() ?? [])].filter(({ expiresMs }) => expiresMs > now)
    return shuffled(live)
      .slice(0, maxRecordsPerAnswer)
      .map(({ sealed }) => sealed)
  }
}
