import { permits, type Verifier, verifyRecord } from '@postern/identity'
import {
  type Clock,
  type Log,
  type PeerName,
  PosternError,
  type RelayAddress,
  reasonOf,
  type ServiceName,
  type SignedRecord,
} from '@postern/protocol'
import { readLookup } from '../circuit/answer.ts'
import { existingLink, openCircuit } from '../circuit/open.ts'
import { atMost, soonest } from '../deadline.ts'
import type { Host } from '../host.ts'
import type { PathChooser } from '../path.ts'
import { askRelay } from './lookup.ts'
import { serviceIdOf } from './service-id.ts'

/** An egress that offers a service, and the guards through which it is reached. */
export interface Endpoint {
  readonly egress: PeerName
  readonly guards: readonly RelayAddress[]
  readonly weight: number
}

export interface FindInit {
  readonly host: Host
  readonly verifier: Verifier
  readonly secret: Buffer
  readonly paths: PathChooser
  readonly clock: Clock
  readonly log: Log
}

type Found = Pick<Endpoint, 'egress' | 'weight'>

const lookupDeadlineMs = 3000
const maxGuardsAsked = 6
/** How long the other guards are waited for when one has told of an egress. */
const graceMs = 1000

/**
 * Finds who offers a service: asks an entry which relays guard it, then each guard for its records, over a circuit, so
 * that the guard does not learn who asks and the entry not what is answered.
 */
export class Finder {
  readonly #init: FindInit

  constructor(init: FindInit) {
    this.#init = init
  }

  /** Endpoints that are not draining, each once. Throws NO_RELAY when no entry answers, NO_GUARD when no guard does. */
  async find(service: ServiceName): Promise<Endpoint[]> {
    const guards = (await this.#guards(service)).slice(0, maxGuardsAsked)
    if (guards.length === 0) return []
    const answers: Array<{ guard: RelayAddress; found: Found[] }> = []
    const asking = guards.map(async (guard) => {
      const found = await this.#askGuard(guard, service)
      answers.push({ guard, found })
      if (found.length === 0) throw new PosternError('NO_GUARD', 'the guard holds no record of the service')
    })
    const others = () => atMost(performance.now() + graceMs, Promise.allSettled(asking))
    await Promise.any(asking).then(others, () => undefined)
    if (answers.length === 0) throw new PosternError('NO_GUARD', 'none of the guards of the service answers')
    const endpoints = new Map<PeerName, { guards: RelayAddress[]; weight: number }>()
    for (const { guard, found } of answers) {
      for (const { egress, weight } of found) {
        const endpoint = endpoints.get(egress) ?? { guards: [], weight }
        endpoint.guards.push(guard)
        endpoints.set(egress, endpoint)
      }
    }
    return [...endpoints].map(([egress, { guards: found, weight }]) => ({ egress, guards: found, weight }))
  }

  /** Asks an entry, and the next one where that fails, takes its time, or says that there are none. */
  async #guards(service: ServiceName): Promise<readonly RelayAddress[]> {
    const { host, log, paths, secret } = this.#init
    const request = { type: 'guards', service: serviceIdOf(secret, service) } as const
    const asked = new Set<PeerName>()
    let none = false
    const ask = async (signal: AbortSignal) => {
      for (const { peer } of paths.entries()) {
        const link = asked.has(peer) ? undefined : existingLink(host, peer)
        if (link === undefined) continue
        asked.add(peer)
        try {
          const guards = await askRelay(link, request, signal)
          if (guards.length > 0) return guards
          none = true
        } catch (error) {
          log.debug('lookup failed', { peer, reason: reasonOf(error) })
        }
      }
      if (none) return []
      throw new PosternError('NO_RELAY', 'no relay that this node is linked to answers a lookup')
    }
    return await soonest(ask, { withinMs: lookupDeadlineMs, discard: () => {} })
  }

  async #askGuard(guard: RelayAddress, service: ServiceName): Promise<Found[]> {
    const tried = new Set<string>()
    try {
      const records = await soonest((signal) => this.#lookup(guard, service, tried, signal), {
        withinMs: lookupDeadlineMs,
        discard: () => {},
      })
      const verified = await Promise.all(records.map((signed) => this.#verify(signed, service)))
      return verified.filter((endpoint) => endpoint !== undefined)
    } catch (error) {
      this.#init.log.debug('guard did not answer', { peer: guard.peer, reason: reasonOf(error) })
      throw error
    }
  }

  async #lookup(
    guard: RelayAddress,
    service: ServiceName,
    tried: Set<string>,
    signal: AbortSignal,
  ): Promise<readonly SignedRecord[]> {
    const { clock, host, paths, secret } = this.#init
    const subject = Buffer.from(serviceIdOf(secret, service), 'hex')
    const end = { kind: 'end', purpose: 'lookup', subject } as const
    const { stream, replyKey } = await openCircuit(host, paths.to([guard], tried), end, { clock, signal })
    const records = await readLookup(stream, replyKey, signal)
    await stream.close({ signal })
    return records
  }

  /** A guard can withhold records, not make them: each is signed by an egress that an authority vouches for. */
  async #verify(signed: SignedRecord, service: ServiceName): Promise<Found | undefined> {
    const { clock, log, secret, verifier } = this.#init
    try {
      const egress = subjectOf(signed.record)
      const record = await verifyRecord(signed.record, egress, clock)
      const credential = await verifier.credential(signed.credential, egress)
      const good = permits(credential, 'egress') && record.service === serviceIdOf(secret, service) && !record.draining
      return good ? { egress, weight: record.weight } : undefined
    } catch (error) {
      log.warn('record refused', { code: 'RECORD_INVALID', reason: reasonOf(error) })
      return undefined
    }
  }
}

/** The egress that a record claims to be of, before anything about it is believed. */
function subjectOf(record: string): PeerName {
  const claims: unknown = JSON.parse(Buffer.from(record.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return String((claims as { egress?: unknown }).egress)
}
