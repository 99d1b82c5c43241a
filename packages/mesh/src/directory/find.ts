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

  async #search(id: ServiceId, role: Wanted['role']): Promise<Array<Found & { guard: RelayAddress }>> {
    const guards = (await this.#guards(id)).slice(0, maxGuardsAsked)
    const answers = await Promise.all(
      guards.map(async (guard) => ({ guard, found: await this.#askGuard(guard, id, role) })),
    )
    if (guards.length > 0 && answers.every(({ found }) => found === undefined)) {
      throw new PosternError('NO_GUARD', 'none of the guards of the service answers')
    }
    return answers.flatMap(({ found, guard }) => found?.map((each) => ({ ...each, guard })) ?? [])
  }

  async #guards(service: ServiceId): Promise<readonly RelayAddress[]> {
    const { host, log, paths } = this.#init
    for (const entry of paths.entries()) {
      const link = existingLink(host, entry.peer)
      if (link === undefined) continue
      try {
        const signal = AbortSignal.timeout(lookupDeadlineMs)
        await host.paces.lookups.turn(entry.peer, signal)
        return await askRelay(link, { type: 'guards', service }, signal)
      } catch (error) {
        log.debug('lookup failed', { peer: entry.peer, reason: reasonOf(error) })
      }
    }
    throw new PosternError('NO_RELAY', 'no relay that this node is linked to answers a lookup')
  }

  async #askGuard(guard: RelayAddress, id: ServiceId, role: Wanted['role']): Promise<Found[] | undefined> {
    const { clock, host, log, paths } = this.#init
    try {
      const signal = AbortSignal.timeout(lookupDeadlineMs)
      const end = { kind: 'end', purpose: 'lookup', subject: Buffer.from(id, 'hex') } as const
      const { stream, replyKey } = await openCircuit(host, paths.to(guard), end, { clock, signal })
      const records = await readLookup(stream, replyKey, signal)
      await stream.close({ signal })
      const verified = await Promise.all(records.map((signed) => this.#verify(signed, id, role)))
      return verified.filter((endpoint) => endpoint !== undefined)
    } catch (error) {
      log.debug('guard did not answer', { peer: guard.peer, reason: reasonOf(error) })
      return undefined
    }
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
