import { type Bulletin, permits, serviceIdOf, type Verifier, verifyRecord } from '@postern/identity'
import {
  type Clock,
  type Log,
  type PeerName,
  PosternError,
  type RelayAddress,
  reasonOf,
  type ServiceId,
  type ServiceName,
  type SignedRecord,
} from '@postern/protocol'
import { readLookup } from '../circuit/answer.ts'
import { existingLink, openCircuit } from '../circuit/open.ts'
import { atMost, soonest } from '../deadline.ts'
import type { Host } from '../host.ts'
import type { PathChooser } from '../path.ts'
import { askRelay } from './lookup.ts'

/** An egress that offers a service, and the guards through which it is reached. */
export interface Endpoint {
  readonly egress: PeerName
  readonly guards: readonly RelayAddress[]
  readonly weight: number
}

export interface FindInit {
  readonly host: Host
  readonly verifier: Verifier
  readonly paths: Pick<PathChooser, 'entries' | 'to'>
  readonly clock: Clock
  readonly log: Log
}

/** What is looked for: by its ids in the directory, and the role that its peers must have. */
export interface Wanted {
  readonly ids: readonly ServiceId[]
  readonly role: 'egress' | 'authority'
}

/** A service, or the authority, by what it is registered under: one id for each mesh secret in force. */
export function wanted(bulletin: Bulletin, service: ServiceName, role: Wanted['role']): Wanted {
  return { ids: bulletin.secrets.map((secret) => serviceIdOf(secret, service)), role }
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
  async find({ ids, role }: Wanted): Promise<Endpoint[]> {
    const searches = await Promise.allSettled(ids.map((id) => this.#search(id, role)))
    const found = searches.filter((search) => search.status === 'fulfilled')
    if (found.length === 0) for (const search of searches) if (search.status === 'rejected') throw search.reason
    const endpoints = new Map<PeerName, Endpoint>()
    for (const { egress, guard, weight } of found.flatMap(({ value }) => value)) {
      const guards = endpoints.get(egress)?.guards.filter(({ peer }) => peer !== guard.peer) ?? []
      endpoints.set(egress, { egress, guards: [...guards, guard], weight })
    }
    return [...endpoints.values()]
  }

  /** Waits for the guard that answers first, and a little for the others. */
  async #search(id: ServiceId, role: Wanted['role']): Promise<Array<Found & { guard: RelayAddress }>> {
    const guards = (await this.#guards(id)).slice(0, maxGuardsAsked)
    if (guards.length === 0) return []
    const answers: Array<Array<Found & { guard: RelayAddress }>> = []
    const asking = guards.map(async (guard) => {
      const found = await this.#askGuard(guard, id, role)
      answers.push(found.map((each) => Object.assign({ guard }, each)))
      if (found.length === 0) throw new PosternError('NO_GUARD', 'the guard holds no record of the service')
    })
    const others = () => atMost(performance.now() + graceMs, Promise.allSettled(asking))
    await Promise.any(asking).then(others, () => undefined)
    if (answers.length === 0) throw new PosternError('NO_GUARD', 'none of the guards of the service answers')
    return answers.flat()
  }

  /** Asks an entry, and the next one where that fails, takes its time, or says that there are none. */
  async #guards(service: ServiceId): Promise<readonly RelayAddress[]> {
    const { host, log, paths } = this.#init
    const asked = new Set<PeerName>()
    let none = false
    const ask = async (signal: AbortSignal) => {
      for (const { peer } of paths.entries()) {
        const link = asked.has(peer) ? undefined : existingLink(host, peer)
        if (link === undefined) continue
        asked.add(peer)
        try {
          await host.paces.lookups.turn(peer, signal)
          const guards = await askRelay(link, { type: 'guards', service }, signal)
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

  async #askGuard(guard: RelayAddress, id: ServiceId, role: Wanted['role']): Promise<Found[]> {
    const tried = new Set<string>()
    try {
      const records = await soonest((signal) => this.#lookup(guard, id, tried, signal), {
        withinMs: lookupDeadlineMs,
        discard: () => {},
      })
      const verified = await Promise.all(records.map((signed) => this.#verify(signed, id, role)))
      return verified.filter((endpoint) => endpoint !== undefined)
    } catch (error) {
      this.#init.log.debug('guard did not answer', { peer: guard.peer, reason: reasonOf(error) })
      throw error
    }
  }

  async #lookup(
    guard: RelayAddress,
    id: ServiceId,
    tried: Set<string>,
    signal: AbortSignal,
  ): Promise<readonly SignedRecord[]> {
    const { clock, host, paths } = this.#init
    const subject = Buffer.from(id, 'hex')
    const end = { kind: 'end', purpose: 'lookup', subject } as const
    const { stream, replyKey } = await openCircuit(host, paths.to([guard], tried), end, { clock, signal })
    return await readLookup(stream, replyKey, signal)
  }

  /** A guard can withhold records, not make them: each is signed by an egress that an authority vouches for. */
  async #verify(signed: SignedRecord, id: ServiceId, role: Wanted['role']): Promise<Found | undefined> {
    const { clock, log, verifier } = this.#init
    try {
      const egress = subjectOf(signed.record)
      const record = await verifyRecord(signed.record, egress, clock)
      const credential = await verifier.credential(signed.credential, egress)
      const good = permits(credential, role) && record.service === id && !record.draining
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
