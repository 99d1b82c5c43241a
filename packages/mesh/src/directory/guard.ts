import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { undisclosed, verifyRecord } from '@postern/identity'
import {
  type Clock,
  decodeGuardRequest,
  encodeMessage,
  type GuardAnswer,
  type Log,
  type MeshId,
  type Meter,
  PosternError,
  protocolId,
  recordLifeMs,
  type ServiceId,
  type SignedRecord,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import type { RelayLimits } from '../limits/relay-limits.ts'
import { Turnstile } from '../limits/turnstile.ts'
import { isMalformed } from '../link/short-length.ts'
import { rightsOf } from '../rights.ts'
import type { Dht } from './dht.ts'
import { relayKey, serviceKey } from './keys.ts'
import { messagesOf } from './messages.ts'
import { Records } from './records.ts'

export interface GuardInit {
  readonly host: Host
  readonly dht: Dht
  readonly mesh: MeshId
  /** Whether an authority is found under the service id, and nothing else. */
  readonly isAuthority: (service: ServiceId) => boolean
  readonly limits: RelayLimits
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const provideAgainMs = 10 * 60_000
const settleMs = 250
/** Registrations at once, in the place of all records that an egress may have. */
const burstOfRecords = 4

/** The relay's side of registration: takes records from egresses linked to it, and tells the DHT that it guards them. */
export class Guard {
  readonly #init: GuardInit
  readonly #records: Records
  readonly #registrations: Turnstile
  #timer: NodeJS.Timeout | undefined
  #settle: NodeJS.Timeout | undefined

  constructor(init: GuardInit) {
    const { clock, host, limits, meter } = init
    this.#init = init
    this.#records = new Records(clock, limits.recordsPerEgress)
    this.#registrations = new Turnstile({
      what: 'registrations',
      perSecond: limits.registrationsPerSecond,
      burst: burstOfRecords * limits.recordsPerEgress,
      bans: host.bans,
      clock,
      meter,
    })
  }

  get registered(): number {
    return this.#records.size
  }

  async start(): Promise<void> {
    const { libp2p } = this.#init.host
    await libp2p.handle(protocolId.guard, (stream, connection) => {
      this.#serve(stream, connection).catch((error: Error) => stream.abort(error))
    })
    libp2p.addEventListener('peer:disconnect', (event: CustomEvent<PeerId>) => this.#forget(event.detail.toString()))
    libp2p.addEventListener('peer:identify', () => this.#provideSoon())
    this.#timer = setInterval(() => this.#provideAll(), provideAgainMs)
    this.#timer.unref()
    this.#provideSoon()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#settle)
  }

  lookup(service: ServiceId): SignedRecord[] {
    return this.#records.of(service)
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const egress = connection.remotePeer.toString()
    const messages = messagesOf(stream)
    for (;;) {
      const octets = await messages.read({ signal: AbortSignal.timeout(recordLifeMs) }).catch((error: unknown) => {
        if (isMalformed(error)) this.#init.host.bans.blame(egress, 'malformed')
        throw error
      })
      const answer = await this.#take(octets.subarray(), egress)
      if (!answer.ok) {
        this.#init.meter.count('registrations_refused', answer.code)
        this.#init.log.debug('registration refused', { peer: egress, code: answer.code })
      }
      await messages.write(encodeMessage(answer))
    }
  }

  async #take(octets: Uint8Array, egress: string): Promise<GuardAnswer> {
    const { clock, host } = this.#init
    const { registers } = rightsOf(host.roster.of(egress))
    if (registers.length === 0) {
      if (host.roster.of(egress) !== undefined) host.bans.blame(egress, 'forbidden')
      return { ok: false, code: 'CREDENTIAL_REFUSED' }
    }
    if (!this.#registrations.passes(egress)) return { ok: false, code: 'BUSY' }
    const request = decodeGuardRequest(octets)
    if (request === undefined) {
      host.bans.blame(egress, 'malformed')
      return { ok: false, code: 'BAD_MESSAGE' }
    }
    try {
      const record = await verifyRecord(request.record, egress, clock)
      // Its link may have ended meanwhile, and with it what it has here.
      const credential = host.roster.of(egress)
      if (
        credential === undefined ||
        !registers.includes(this.#init.isAuthority(record.service) ? 'authority' : 'service')
      )
        return { ok: false, code: 'CREDENTIAL_REFUSED' }
      if (record.expiresMs > clock.now() + 2 * recordLifeMs) return { ok: false, code: 'RECORD_INVALID' }
      if (request.type === 'withdraw') {
        this.#withdraw(record.service, egress)
        return { ok: true }
      }
      const before = this.#records.has(record.service)
      const taken = this.#records.put(record, { record: request.record, credential: undisclosed(credential.sealed) })
      if (taken !== 'kept') return { ok: false, code: taken === 'full' ? 'BUSY' : 'RECORD_INVALID' }
      if (!before) this.#provide(record.service)
      return { ok: true }
    } catch (error) {
      host.bans.blame(egress, 'forged')
      return { ok: false, code: error instanceof PosternError ? error.code : 'RECORD_INVALID' }
    }
  }

  #withdraw(service: ServiceId, egress: string): void {
    this.#records.remove(service, egress)
    if (this.#records.has(service)) return
    this.#init.dht.stopProviding(serviceKey(service)).catch(() => this.#init.meter.count('dht_failures', 'withdraw'))
  }

  #forget(peer: string): void {
    const before = this.#records.services
    this.#records.removeAll(peer)
    for (const service of before) if (!this.#records.has(service)) this.#withdraw(service, peer)
  }

  #provide(service: ServiceId): void {
    this.#init.dht.provide(serviceKey(service)).catch(() => this.#init.meter.count('dht_failures', 'provide'))
  }

  /** A relay that has just joined may be the one that is to hold what we provide. */
  #provideSoon(): void {
    clearTimeout(this.#settle)
    this.#settle = setTimeout(() => this.#provideAll(), settleMs)
    this.#settle.unref()
  }

  #provideAll(): void {
    this.#init.dht.provide(relayKey(this.#init.mesh)).catch(() => this.#init.meter.count('dht_failures', 'provide'))
    for (const service of this.#records.services) this.#provide(service)
  }
}
