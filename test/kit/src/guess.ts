import { dayOf, type LookupKey, lookupKeyOf, openRecord, recordKeyOf, sealRecord, serviceIdOf } from '@postern/identity'
import {
  type PeerName,
  recordLifeMs,
  type ServiceId,
  type ServiceName,
  type ServiceRecord,
  type SignedRecord,
} from '@postern/protocol'

/** What one who holds the mesh's secret can do who has guessed the name of a service. */
export class Guess {
  readonly #key: LookupKey

  constructor(secret: Buffer, service: ServiceName) {
    this.#key = lookupKeyOf(secret, service)
  }

  /** Today's id of the service. */
  get service(): ServiceId {
    return serviceIdOf(this.#key, dayOf(Date.now()))
  }

  get #recordKey(): Buffer {
    return recordKeyOf(this.#key, dayOf(Date.now()))
  }

  /** The record that an egress would register at a guard. */
  recordOf(egress: PeerName, guard: PeerName): ServiceRecord {
    return { service: this.service, egress, guard, expiresMs: Date.now() + recordLifeMs, weight: 1 }
  }

  /** Seals something as an egress does. */
  seal(signed: SignedRecord): Uint8Array {
    return sealRecord(signed, this.#recordKey)
  }

  open(sealed: Uint8Array): SignedRecord {
    return openRecord(sealed, this.#recordKey)
  }
}
