import type { Stream } from '@libp2p/interface'
import { type NodeKey, sealRecord, serviceIdOf } from '@postern/identity'
import {
  type Clock,
  decodeGuardAnswer,
  encodeMessage,
  type GuardRequest,
  type Log,
  type PeerName,
  PosternError,
  protocolId,
  reasonOf,
  recordLifeMs,
  recordRefreshMs,
  type ServiceId,
  type ServiceName,
  type ServiceRecord,
} from '@postern/protocol'
import { existingLink } from '../circuit/open.ts'
import type { Host } from '../host.ts'
import { messagesOf } from './messages.ts'

export interface RegisterInit {
  readonly host: Host
  readonly key: NodeKey
  /** Mesh secrets in force: a service is registered under each. */
  readonly secrets: () => readonly Buffer[]
  readonly services: () => readonly ServiceName[]
  readonly guards: () => readonly PeerName[]
  readonly clock: Clock
  readonly log: Log
}

const requestDeadlineMs = 5000

/** The egress's side of registration: keeps its records fresh at every guard, and takes them back when it drains. */
export class Registration {
  readonly #init: RegisterInit
  readonly #registered = new Set<PeerName>()
  #timer: NodeJS.Timeout | undefined
  #draining = false

  constructor(init: RegisterInit) {
    this.#init = init
  }

  /** Guards that hold all our records. */
  get registered(): readonly PeerName[] {
    return [...this.#registered].filter((guard) => existingLink(this.#init.host, guard) !== undefined)
  }

  start(): void {
    this.#timer = setInterval(() => this.refresh(), recordRefreshMs)
    this.#timer.unref()
  }

  /** Registers anew at every guard, as when the mesh secret or the own credential has changed. */
  refresh(): void {
    for (const guard of this.#init.guards()) void this.register(guard)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async register(guard: PeerName): Promise<void> {
    if (this.#draining) return
    try {
      await this.#tell(guard, 'register')
      if (!this.#registered.has(guard)) this.#init.log.info('registered', { guard, services: this.#init.services() })
      this.#registered.add(guard)
    } catch (error) {
      this.#registered.delete(guard)
      const code = error instanceof PosternError ? error.code : 'CIRCUIT_UNREACHABLE'
      this.#init.log.warn('registration failed', { guard, code, reason: reasonOf(error) })
    }
  }

  /** Withdraws everywhere; new exchanges go elsewhere from then on. */
  async drain(): Promise<void> {
    this.#draining = true
    await Promise.allSettled(this.#init.guards().map((guard) => this.#tell(guard, 'withdraw')))
  }

  async #tell(guard: PeerName, type: GuardRequest['type']): Promise<void> {
    const link = existingLink(this.#init.host, guard)
    if (link === undefined) return
    const signal = AbortSignal.timeout(requestDeadlineMs)
    const stream: Stream = await link.newStream(protocolId.guard, { signal })
    try {
      const messages = messagesOf(stream)
      for (const { id, service } of this.#wanted()) {
        const record = await sealRecord(this.#recordOf(id), this.#init.key.signing)
        await messages.write(encodeMessage({ type, record }), { signal })
        const answer = decodeGuardAnswer((await messages.read({ signal })).subarray())
        if (answer?.ok !== true) {
          throw new PosternError('NO_GUARD', `the guard does not take ${service}: ${answer?.code ?? 'no answer'}`)
        }
      }
    } finally {
      stream.abort(new Error('done'))
    }
  }

  #wanted(): Array<{ service: ServiceName; id: ServiceId }> {
    const secrets = this.#init.secrets()
    return this.#init
      .services()
      .flatMap((service) => secrets.map((secret) => ({ service, id: serviceIdOf(secret, service) })))
  }

  #recordOf(service: ServiceId): ServiceRecord {
    const now = this.#init.clock.now()
    return {
      service,
      egress: this.#init.host.peer,
      sequence: now,
      expiresMs: now + recordLifeMs,
      weight: 1,
      draining: this.#draining,
    }
  }
}
