import type { Stream } from '@libp2p/interface'
import {
  daysAround,
  type LookupKey,
  lookupKeyOf,
  type Member,
  recordKeyOf,
  sealRecord,
  serviceIdOf,
  signRecord,
  undisclosed,
} from '@postern/identity'
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
  type ServiceName,
} from '@postern/protocol'
import { existingLink } from '../circuit/open.ts'
import type { Host } from '../host.ts'
import { messagesOf } from './messages.ts'

export interface RegisterInit {
  readonly host: Host
  /** A service is registered under each mesh secret in force, for each day around now. */
  readonly member: Pick<Member, 'bulletin' | 'key' | 'sealed'>
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

  /** Registers anew at every guard: in time, and when the mesh secret or the own credential has changed. */
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
    const stream: Stream = await link.newStream(protocolId.guard, { signal: deadline() })
    try {
      const messages = messagesOf(stream)
      for (const wanted of this.#wanted()) {
        if (type === 'register' && this.#draining) return
        const message = type === 'register' ? await this.#registrationOf(wanted, guard) : withdrawalOf(wanted)
        await messages.write(encodeMessage(message), { signal: deadline() })
        const answer = decodeGuardAnswer((await messages.read({ signal: deadline() })).subarray())
        if (answer?.ok !== true) {
          throw new PosternError(
            'NO_GUARD',
            `the guard does not take ${wanted.service}: ${answer?.code ?? 'no answer'}`,
          )
        }
      }
    } finally {
      stream.abort(new Error('done'))
    }
  }

  #wanted(): Wanted[] {
    const { clock, member, services } = this.#init
    const { secrets } = member.bulletin
    const days = daysAround(clock.now())
    return services().flatMap((service) =>
      secrets.flatMap((secret) => days.map((day) => ({ service, day, key: lookupKeyOf(secret, service) }))),
    )
  }

  async #registrationOf({ day, key }: Wanted, guard: PeerName): Promise<GuardRequest> {
    const { clock, host, member } = this.#init
    const service = serviceIdOf(key, day)
    const said = { service, egress: host.peer, guard, expiresMs: clock.now() + recordLifeMs, weight: 1 }
    const record = await signRecord(said, member.key.signing)
    const sealed = sealRecord({ record, credential: undisclosed(member.sealed) }, recordKeyOf(key, day))
    return { type: 'register', service, record: sealed.toString('base64url') }
  }
}

/** One id of a service. */
interface Wanted {
  readonly service: ServiceName
  readonly key: LookupKey
  readonly day: number
}

function withdrawalOf({ day, key }: Wanted): GuardRequest {
  return { type: 'withdraw', service: serviceIdOf(key, day) }
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(requestDeadlineMs)
}
