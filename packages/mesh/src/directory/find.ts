import {
  type Bulletin,
  dayOf,
  directoryKeyOf,
  type LookupKey,
  lookupKeyOf,
  openRecord,
  permits,
  recordKeyOf,
  serviceIdOf,
  subjectOf,
  type Verifier,
  verifyRecord,
} from '@postern/identity'
import {
  type Clock,
  type Log,
  type PeerName,
  PosternError,
  type RelayAddress,
  reasonOf,
  type ServiceId,
  type ServiceName,
} from '@postern/protocol'
import { readGuards, readLookup } from '../circuit/answer.ts'
import { openCircuit } from '../circuit/open.ts'
import { atMost, soonest } from '../deadline.ts'
import type { Host } from '../host.ts'
import type { PathChooser } from '../path.ts'

/** An egress that offers a service, and the guards through which it is reached. */
export interface Endpoint {
  readonly egress: PeerName
  readonly guards: readonly RelayAddress[]
  readonly weight: number
}

export interface FindInit {
  readonly host: Host
  readonly verifier: Verifier
  readonly paths: Pick<PathChooser, 'to' | 'toDirectory'>
  readonly clock: Clock
  readonly log: Log
}

/** What is looked for: by its lookup keys, and the role that its peers must have. */
export interface Wanted {
  readonly keys: readonly LookupKey[]
  readonly role: 'egress' | 'authority'
}

/** A service, or the authority, by what it is found with: one key for each mesh secret in force. */
export function wanted(bulletin: Bulletin, service: ServiceName, role: Wanted['role']): Wanted {
  return { keys: bulletin.secrets.map((secret) => lookupKeyOf(secret, service)), role }
}

/** What is looked for under one key today. */
interface Question {
  readonly service: ServiceId
  readonly recordKey: Buffer
  readonly role: Wanted['role']
}

interface Found extends Pick<Endpoint, 'egress' | 'weight'> {
  readonly guard: RelayAddress
}

/** A relay that is asked for guards may search for two seconds. */
const guardsDeadlineMs = 5000
const lookupDeadlineMs = 3000
const maxGuardsAsked = 6
/** Relays that are asked for guards before it is believed that there are none. */
const maxRelaysAsked = 3
/** No further relay is asked for guards after this time. */
const askingMs = 4000
/** How long the other guards are waited for when one has told of an egress. */
const graceMs = 1000

/**
 * Finds who offers a service. All is asked over circuits: a relay that is not the entry which relays guard today's id, by
 * a key that stands for it, then each guard for what it holds under the id. So no relay learns both who asks and for what,
 * and what guards answer opens for those who know the name of the service.
 */
export class Finder {
  readonly #init: FindInit

  constructor(init: FindInit) {
    this.#init = init
  }

  /** Endpoints, each once. Throws NO_RELAY when no relay answers, NO_GUARD when no guard does. */
  async find({ keys, role }: Wanted): Promise<Endpoint[]> {
    const day = dayOf(this.#init.clock.now())
    const questions = keys.map((key) => ({ service: serviceIdOf(key, day), recordKey: recordKeyOf(key, day), role }))
    const searches = await Promise.allSettled(questions.map((question) => this.#search(question)))
    const found = searches.filter((search) => search.status === 'fulfilled')
    if (found.length === 0) for (const search of searches) if (search.status === 'rejected') throw search.reason
    const endpoints = new Map<PeerName, Endpoint>()
    for (const { egress, guard, weight } of found.flatMap(({ value }) => value)) {
      const guards = endpoints.get(egress)?.guards.filter(({ peer }) => peer !== guard.peer) ?? []
      endpoints.set(egress, { egress, guards: [...guards, guard], weight })
    }
    return [...endpoints.values()]
  }

  /** Asks one relay, and another where what it says leads nowhere. */
  async #search(question: Question): Promise<Found[]> {
    const untilMs = performance.now() + askingMs
    const asked = new Set<PeerName>()
    const key = Buffer.from(directoryKeyOf(question.service), 'hex')
    let isNone = false
    let failure: unknown
    for (let times = 0; times < maxRelaysAsked && performance.now() < untilMs; times++) {
      try {
        const guards = await this.#guards(key, asked)
        if (guards.length > 0) return await this.#askGuards(guards.slice(0, maxGuardsAsked), question)
        isNone = true
      } catch (error) {
        failure = error
      }
    }
    const isKnown = isNone && failure instanceof PosternError && failure.code === 'NO_RELAY'
    if (failure !== undefined && !isKnown) throw failure
    return []
  }

  /** Waits for the guard that answers first, and a little for the others. */
  async #askGuards(guards: readonly RelayAddress[], question: Question): Promise<Found[]> {
    const answers: Found[][] = []
    const asking = guards.map(async (guard) => {
      const found = await this.#askGuard(guard, question)
      if (found.length === 0) throw new PosternError('NO_GUARD', 'the guard holds no record of the service')
      answers.push(found)
    })
    const others = () => atMost(performance.now() + graceMs, Promise.allSettled(asking))
    await Promise.any(asking).then(others, () => undefined)
    if (answers.length === 0) throw new PosternError('NO_GUARD', 'none of the guards of the service answers')
    return answers.flat()
  }

  /** Asks a relay, and beside it another where it fails or takes its time. */
  async #guards(key: Buffer, asked: Set<PeerName>): Promise<readonly RelayAddress[]> {
    const { clock, host, log, paths } = this.#init
    const end = { kind: 'end', purpose: 'guards', subject: key } as const
    const ask = async (signal: AbortSignal) => {
      for (let times = 1; ; times++) {
        const hops = paths.toDirectory(asked)
        try {
          const { stream, replyKey } = await openCircuit(host, hops, end, { clock, signal })
          return await readGuards(stream, replyKey, signal)
        } catch (error) {
          log.debug('lookup failed', { peer: hops.at(-1)?.peer, reason: reasonOf(error) })
          if (times >= maxRelaysAsked || signal.aborted)
            throw new PosternError('NO_RELAY', 'no relay answers a lookup', { cause: error })
        }
      }
    }
    return await soonest(ask, { withinMs: guardsDeadlineMs, discard: () => {} })
  }

  async #askGuard(guard: RelayAddress, question: Question): Promise<Found[]> {
    const tried = new Set<string>()
    try {
      const records = await soonest((signal) => this.#lookup(guard, question.service, tried, signal), {
        withinMs: lookupDeadlineMs,
        discard: () => {},
      })
      const verified = await Promise.all(records.map((sealed) => this.#verify(sealed, guard, question)))
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
  ): Promise<readonly Uint8Array[]> {
    const { clock, host, paths } = this.#init
    const subject = Buffer.from(id, 'hex')
    const end = { kind: 'end', purpose: 'lookup', subject } as const
    const { stream, replyKey } = await openCircuit(host, paths.to([guard], tried), end, { clock, signal })
    return await readLookup(stream, replyKey, signal)
  }

  /** A guard can withhold records, not make them: each is signed by an egress that an authority vouches for, for this guard. */
  async #verify(
    sealed: Uint8Array,
    guard: RelayAddress,
    { recordKey, role, service }: Question,
  ): Promise<Found | undefined> {
    const { clock, log, verifier } = this.#init
    try {
      const signed = openRecord(sealed, recordKey)
      const egress = subjectOf(signed)
      const record = await verifyRecord(signed.record, egress, clock)
      const credential = await verifier.credential(signed.credential, egress)
      const good = permits(credential, role) && record.service === service && record.guard === guard.peer
      return good ? { egress, guard, weight: record.weight } : undefined
    } catch (error) {
      log.warn('record refused', { code: 'RECORD_INVALID', reason: reasonOf(error) })
      return undefined
    }
  }
}
