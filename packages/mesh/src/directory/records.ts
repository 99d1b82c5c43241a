import {
  type Clock,
  maxRecordsPerAnswer,
  maxRecordsPerGuard,
  maxRecordsPerPeer,
  type PeerName,
  type ServiceId,
  type ServiceRecord,
  type SignedRecord,
} from '@postern/protocol'

interface Kept {
  readonly record: ServiceRecord
  readonly signed: SignedRecord
}

/** The records a guard holds, by service and egress: in memory only, and no longer than the link of their egress. */
export class Records {
  readonly #clock: Clock
  readonly #perEgress: number
  readonly #byService = new Map<ServiceId, Map<PeerName, Kept>>()
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

  get size(): number {
    return this.#size
  }

  /** Keeps a verified record. The newest sequence wins; beyond the ceilings of the guard or of the peer it is refused. */
  put(record: ServiceRecord, signed: SignedRecord): 'kept' | 'old' | 'full' {
    const records = this.#byService.get(record.service) ?? new Map<PeerName, Kept>()
    const own = this.#perPeer.get(record.egress) ?? new Set<ServiceId>()
    const known = records.get(record.egress)
    if (known !== undefined && known.record.sequence > record.sequence) return 'old'
    if (known === undefined && (own.size >= this.#perEgress || this.#size >= maxRecordsPerGuard)) return 'full'
    if (known === undefined) this.#size += 1
    records.set(record.egress, { record, signed })
    own.add(record.service)
    this.#byService.set(record.service, records)
    this.#perPeer.set(record.egress, own)
    return 'kept'
  }

  remove(service: ServiceId, egress: PeerName): void {
    const records = this.#byService.get(service)
    if (records?.delete(egress) !== true) return
    this.#size -= 1
    if (records.size === 0) this.#byService.delete(service)
    const own = this.#perPeer.get(egress)
    own?.delete(service)
    if (own?.size === 0) this.#perPeer.delete(egress)
  }

  removeAll(egress: PeerName): void {
    for (const service of Array.from(this.#perPeer.get(egress) ?? [])) this.remove(service, egress)
  }

  /** Records of a service that are of now, at most as many as one answer holds, in random order. */
  of(service: ServiceId): SignedRecord[] {
    const now = this.#clock.now()
    const live = [...(this.#byService.get(service)?.values() ?? [])].filter(({ record }) => record.expiresMs > now)
    return live
      .map((kept) => ({ kept, order: Math.random() }))
      .toSorted((a, b) => a.order - b.order)
      .slice(0, maxRecordsPerAnswer)
      .map(({ kept }) => kept.signed)
  }
}
