import { termOf } from '@postern/identity'
import type { Parts } from '../build.ts'
import { renewalDueMs } from '../renewal.ts'
import type { Facts } from './facts.ts'
import { listeningOf } from './listening.ts'
import { Recent } from './recent.ts'

/** What a running node knows of itself that may matter for its health, each time it is asked. */
export function factsOf(parts: Omit<Parts, 'health' | 'replaceKey'>): () => Facts {
  const { authority, clock, config, counters, egress, log, member, mesh, renewal, startedMs, state } = parts
  const { certificates, watch } = parts
  const listening = listeningOf(config, member)
  const recent = new Recent(() => counters.snapshot(), startedMs)
  const bootstrap = member.mesh.bootstrap.filter((address) => !address.endsWith(`/p2p/${mesh.peer}`))
  return () => {
    const { bulletin, credential } = member
    const { addresses, entries, guards, relays, bulletinHeard, bulletinWithheld, freshness, services, twins } =
      mesh.status()
    const nowMs = clock.now()
    const links = mesh.peers().filter(({ over }) => over === 'link')
    return {
      nowMs,
      running: true,
      upMs: nowMs - startedMs,
      credential: {
        notBeforeMs: credential.notBeforeMs,
        expiresMs: termOf(member).untilMs,
        dueMs: renewalDueMs(member),
        ...(renewal.failure === undefined ? {} : { failure: renewal.failure }),
        revoked: bulletin.lapse(credential) === 'CREDENTIAL_REVOKED',
      },
      freshness,
      bulletin: {
        sequence: bulletin.seq,
        heard: bulletinHeard,
        ...(bulletinWithheld && { withheld: bulletinWithheld }),
      },
      ...(authority && { register: { unreadable: authority.unreadable } }),
      certificates: certificates.facts(),
      ...(watch && { config: watch.fact() }),
      ...(listening && { listening }),
      unwritten: state.unwritten,
      log: { lost: log.lost, ...(log.failure !== undefined && { failure: log.failure }) },
      relays,
      twins,
      knocks: recent.of('knocks_refused', nowMs),
      refused: {
        services: recent.of('exchanges_busy', nowMs),
        clients: recent.of('requests_failed', nowMs)['CLIENT_BUSY'] ?? 0,
        slow: recent.of('requests_failed', nowMs)['REQUEST_TIMEOUT'] ?? 0,
        stalled: recent.of('exchanges_aborted', nowMs)['STALLED'] ?? 0,
      },
      closed: {
        refused: recent.of('connections_refused', nowMs),
        evicted: recent.of('connections_evicted', nowMs),
      },
      ...(config.relay && {
        relay: {
          addresses,
          others: [...bootstrap, ...relays.flatMap((relay) => relay.addresses)],
          inbound: links.filter(({ direction }) => direction === 'inbound').length,
        },
      }),
      ...(guards && { guards }),
      ...(entries && { entries, services, pathRelays: config.ingress?.path.relays ?? 0 }),
      ...(egress && {
        backends: egress.describe().flatMap(({ backends, service }) => backends.map((each) => ({ service, ...each }))),
      }),
    }
  }
}
