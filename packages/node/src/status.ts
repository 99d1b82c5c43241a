import { termOf } from '@postern/identity'
import type { Parts } from './build.ts'
import { rolesOf } from './config.ts'
import { daysLeft } from './life-left.ts'
import { renewalDueMs } from './renewal.ts'

/** What a node says of itself to its operator. */
export function nodeStatus({
  clock,
  config,
  counters,
  egress,
  health,
  ingress,
  member,
  mesh,
  startedMs,
  threads,
}: Parts) {
  const { credential } = member
  const { untilMs } = termOf(member)
  const { addresses, banned, circuits, entries, guards, services } = mesh.status()
  return {
    name: credential.name,
    roles: rolesOf(config),
    peer: mesh.peer,
    mesh: { id: member.mesh.id, name: member.mesh.name },
    pid: process.pid,
    uptimeS: Math.round((clock.now() - startedMs) / 1000),
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    credential: {
      expires: new Date(untilMs).toISOString(),
      daysLeft: daysLeft(untilMs, clock.now()),
      over: untilMs <= clock.now(),
      renewalDue: new Date(renewalDueMs(member)).toISOString(),
    },
    bulletin: { sequence: member.bulletin.seq, revoked: member.bulletin.notice.revoked.length },
    ...(config.relay && { relay: { addresses, circuits, banned } }),
    ...(ingress && { ingress: { urls: ingress.urls, requests: ingress.requests, entries, services } }),
    ...(egress && { egress: { guards, exchanges: egress.exchanges, services: egress.describe() } }),
    ...(config.authority && { authority: { guards } }),
    ...(config.workers > 0 && { workers: threads() }),
    warnings: health.warnings(),
    counters: counters.snapshot(),
  }
}

export type NodeStatus = ReturnType<typeof nodeStatus>

/** Whether the node can do its work now, and what is missing where it cannot. */
export function readiness(status: NodeStatus): { ready: boolean; missing: string[] } {
  const missing: string[] = []
  for (const { service, egresses } of status.ingress?.services ?? []) {
    if (!egresses.some(({ trunks }) => trunks > 0)) missing.push(`no trunk to an egress that offers ${service}`)
  }
  if (status.ingress !== undefined && status.ingress.services.length === 0)
    missing.push('no service has been looked for yet')
  const guards = status.egress?.guards ?? status.authority?.guards
  if (guards !== undefined && guards.registered === 0) missing.push('not registered at any guard')
  return { ready: missing.length === 0, missing }
}
