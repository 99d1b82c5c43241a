import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { directoryKeyOf } from '@postern/identity'
import {
  type Clock,
  type DirectoryKey,
  decodeGuardRequest,
  encodeMessage,
  type GuardAnswer,
  type Log,
  type MeshId,
  type Meter,
  protocolId,
  recordLifeMs,
  recordRefreshMs,
  type ServiceId,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import type { RelayLimits } from '../limits/relay-limits.ts'
import { Turnstile } from '../limits/turnstile.ts'
import { isMalformed } from '../link/short-length.ts'
import { rightsOf } from '../rights.ts'
import type { Dht } from './dht.ts'
import { guardsKey, relayKey } from './keys.ts'
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
  #sweeping: NodeJS.Timeout | undefined
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
    this.#sweeping = setInterval(() => this.#dropping(() => this.#records.sweep()), recordRefreshMs)
    this.#sweeping.unref()
    this.#provideSoon()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearInterval(this.#sweeping)
    clearTimeout(this.#settle)
  }

  lookup(service: ServiceId): Uint8Array[] {
    return this.#records.of(service)
  }

  /** Whether this relay guards what the key stands for. */
  guards(key: DirectoryKey): boolean {
    return this.#records.hasKey(key)
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const egress = connection.remotePeer.toString()
    const messages = messagesOf(stream)
    for (;;) {
      const octets = await messages.read({ signal: AbortSignal.timeout(recordLifeMs) }).catch((error: unknown) => {
        if (isMalformed(error)) this.#init.host.bans.blame(egress, 'malformed')
        throw error
      })
      const answer = this.#take(octets.subarray(), egress)
      if (!answer.ok) {
        this.#init.meter.count('registrations_refused', answer.code)
        this.#init.log.debug('registration refused', { peer: egress, code: answer.code })
      }
      await messages.write(encodeMessage(answer))
    }
  }

  /** What comes over the link of an egress is its own: it needs no other proof, and its record is sealed even from here. */
  #take(octets: Uint8Array, egress: string): GuardAnswer {
    const { host } = this.#init
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
    const { service } = request
    if (!registers.includes(this.#init.isAuthority(service) ? 'authority' : 'service'))
      return { ok: false, code: 'CREDENTIAL_REFUSED' }
    if (request.type === 'withdraw') {
      this.#withdraw(service, egress)
      return { ok: true }
    }
    const before = this.#records.has(service)
    const taken = this.#records.put(service, egress, Buffer.from(request.record, 'base64url'))
    if (taken !== 'kept') return { ok: false, code: 'BUSY' }
    if (!before) this.#provide(service)
    return { ok: true }
  }

  #withdraw(service: ServiceId, egress: string): void {
    this.#dropping(() => this.#records.remove(service, egress))
  }

  #stopProviding(service: ServiceId): void {
    this.#init.dht
      .stopProviding(guardsKey(directoryKeyOf(service)))
      .catch(() => this.#init.meter.count('dht_failures', 'withdraw'))
  }

  #forget(peer: string): void {
    this.#dropping(() => this.#records.removeAll(peer))
  }

  /** Stops providing what is gone after the task. */
  #dropping(task: () => void): void {
    const before = this.#records.services
    task()
    for (const service of before) if (!this.#records.has(service)) this.#stopProviding(service)
  }

  #provide(service: ServiceId): void {
    this.#init.dht
      .provide(guardsKey(directoryKeyOf(service)))
      .catch(() => this.#init.meter.count('dht_failures', 'provide'))
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
