import { remedies } from '@postern/protocol'
import { bulletinRows } from './bulletin-rows.ts'
import * as credential from './credential-checks.ts'
import * as disk from './disk-checks.ts'
import type { Facts } from './facts.ts'
import * as load from './load-checks.ts'
import * as relay from './relay-checks.ts'
import { certificateReplaced, configChanged } from './running-checks.ts'
import { failed } from './said.ts'
import * as service from './service-checks.ts'
import { isAbove, row, type Severity, severities, type WarningRow } from './warning.ts'

const issueAnew = 'have the authority issue a new one: `postern mesh issue`'

/** Every way in which a node can be unwell, by its stable code. One more is one more row. */
export const warningRows = {
  CONFIG_INVALID: row('error', 'The config is not valid.', 'mend what is named', failed('CONFIG_INVALID')),
  FILE_MISSING: row('error', 'A file of the node cannot be read.', remedies.FILE_MISSING, failed('FILE_MISSING')),
  FILE_UNREADABLE: row(
    'error',
    'A file of the node is there and cannot be read.',
    remedies.FILE_UNREADABLE,
    failed('FILE_UNREADABLE'),
  ),
  FILE_UNWRITABLE: row(
    'warning',
    'What the node keeps cannot be written: it goes on with what is in memory, which is lost when it ends.',
    remedies.FILE_UNWRITABLE,
    disk.unwritable,
  ),
  LOG_UNWRITABLE: row(
    'warning',
    'The log of the node cannot be written.',
    'make room where it is written to; what waits is written then',
    disk.logUnwritable,
  ),
  KEY_TOO_OPEN: row('error', 'A secret may be read by others.', remedies.KEY_TOO_OPEN, failed('KEY_TOO_OPEN')),
  KEY_INVALID: row('error', 'A key, or the mesh secret, is not one.', remedies.KEY_INVALID, failed('KEY_INVALID')),
  MESH_INVALID: row('error', 'The mesh file is not valid.', remedies.MESH_INVALID, failed('MESH_INVALID')),
  CREDENTIAL_INVALID: row(
    'error',
    'The credential, or the bulletin, is not one or was altered.',
    remedies.CREDENTIAL_INVALID,
    failed('CREDENTIAL_INVALID'),
  ),
  CREDENTIAL_WRONG_MESH: row(
    'error',
    'The credential is of another mesh.',
    remedies.CREDENTIAL_WRONG_MESH,
    failed('CREDENTIAL_WRONG_MESH'),
  ),
  CREDENTIAL_WRONG_PEER: row(
    'error',
    'The credential was issued to another key.',
    remedies.CREDENTIAL_WRONG_PEER,
    failed('CREDENTIAL_WRONG_PEER'),
  ),
  CREDENTIAL_EARLY: row('error', 'The credential is not valid yet.', remedies.CREDENTIAL_EARLY, credential.early),
  CREDENTIAL_EXPIRED: row(
    'error',
    'The credential has expired: no other node takes this one for a member.',
    remedies.CREDENTIAL_EXPIRED,
    credential.expired,
  ),
  CREDENTIAL_EXPIRING: row(
    'info',
    'The credential expires soon, and was not renewed.',
    `have a node of the role authority run, then \`postern renew\`; or ${issueAnew}`,
    credential.expiring,
  ),
  CERTIFICATE_EXPIRING: row(
    'info',
    'The certificate of a listener expires soon, or has expired.',
    'get a new one, put it at ingress.listen.tls and start the node again',
    credential.certificateExpiring,
  ),
  CERTIFICATE_NOT_SERVED: row(
    'warning',
    'The certificate of a listener was replaced, and clients are still shown the one before.',
    'start the node again: it reads its certificates at the start',
    certificateReplaced,
  ),
  CONFIG_CHANGED: row(
    'warning',
    'The node does not run with what its config says now.',
    'see whether it is right: `postern check`; then start the node again, which reads its config at the start',
    configChanged,
  ),
  CREDENTIAL_REVOKED: row(
    'error',
    'The authority has taken the credential back: no other node links to this one.',
    remedies.CREDENTIAL_REVOKED,
    credential.revoked,
  ),
  CREDENTIAL_REFUSED: row(
    'error',
    'The credential is not taken, or does not cover what the config asks for.',
    remedies.CREDENTIAL_REFUSED,
    relay.credentialRefused,
  ),
  CLOCK_OFF: row(
    'warning',
    'Two clocks are more than a minute apart: a node whose clock is off is kept out.',
    'compare `date -u` on the hosts, and let a time service set the clock that is off',
    service.clockOff,
  ),
  KNOCK_REFUSED: row(
    'warning',
    'A relay does not answer the knock.',
    'compare `date -u` on both hosts, then `sha256sum mesh.secret`, then the peer id in mesh.json; `postern status` of the relay tells which: it counts knocks_refused{late} or {wrong}; see whether the relay hangs; a node that was away while the mesh secret was replaced joins again',
    relay.knockRefused,
  ),
  RELAY_UNREACHABLE: row(
    'warning',
    'A relay cannot be reached.',
    'look at the network between: `nc -vz HOST PORT`',
    relay.outOfReach,
  ),
  RELAY_NO_MEMBER: row(
    'warning',
    'A relay shows a credential that is not good here.',
    'have the authority issue that relay anew; if all relays are like it, look at mesh.json and the clock of this host',
    relay.noMember,
  ),
  NO_RELAY: row(
    'error',
    'No relay is linked: the mesh cannot be reached from here.',
    'see what is said of each relay; mesh.json names those that were issued before this node',
    relay.none,
  ),
  FEW_RELAYS: row(
    'error',
    'The mesh has fewer relays than the way is to have.',
    'add relays, or set ingress.path.relays lower and accept what one relay then learns',
    service.fewRelays,
  ),
  NO_GUARD: row(
    'error',
    'No guard knows of this egress: its services are found by nobody.',
    'see what is said of each relay; where one is linked, its log says why it takes no registration',
    service.noGuard,
  ),
  FEW_GUARDS: row(
    'info',
    'A single guard knows of this egress: with it, its services would be gone.',
    'add relays, or see why the others cannot be reached',
    service.oneGuard,
  ),
  NO_EGRESS: row(
    'error',
    'A service that is called here cannot be reached.',
    'see whether an egress that offers it is ready: `postern status --ready` there',
    service.noEgress,
  ),
  BACKEND_DOWN: row(
    'warning',
    'A backend takes no connection.',
    'start it, or mend egress.services.NAME.backends: what this host can reach, with a certificate it trusts',
    service.backendDown,
  ),
  BACKEND_SILENT: row(
    'warning',
    'A backend takes connections and does not answer.',
    'see whether it hangs: `curl -I ORIGIN` on this host',
    service.backendSilent,
  ),
  SERVICE_BUSY: row(
    'warning',
    'A service had no room for requests.',
    'see whether the backend is slow; if it can do more at a time, raise connections, queue or tunnels of the service, or add a backend; else find in the log of the ingress who asks so much',
    load.serviceBusy,
  ),
  CLIENTS_BUSY: row(
    'info',
    'Clients asked for more at a time than one may have, or were too slow with their content.',
    'nothing, if somebody tries; if it is a proxy before this ingress, name it in ingress.trustedProxies; else raise the limit that is met: ingress.limits',
    load.clientsBusy,
  ),
  CONNECTIONS_FULL: row(
    'info',
    'There was no room for connections of clients.',
    'nothing, if somebody tries: who says nothing is closed first; if it is a proxy before this ingress, name it in ingress.trustedProxies; else raise ingress.limits.connections or connectionsPerAddress',
    load.connectionsFull,
  ),
  PROXY_REFUSED: row(
    'info',
    'Connections did not begin with a PROXY header from a trusted proxy.',
    'where it is your balancer, have it send PROXY headers and name its address in ingress.trustedProxies; else close the port to all others',
    load.proxiesRefused,
  ),
  ANSWERS_STALLED: row(
    'info',
    'Answers that nobody read were ended, since requests waited for their connections.',
    'nothing, if somebody tries; if clients are slow, raise connections of the service, or its stalledMs',
    load.answersStalled,
  ),
  ADDRESS_IN_USE: row(
    'error',
    'An address to listen on cannot be had.',
    remedies.ADDRESS_IN_USE,
    failed('ADDRESS_IN_USE'),
  ),
  ADDRESS_TOO_NEAR: row(
    'warning',
    'A relay tells others an address at which they cannot reach it.',
    'set relay.announce to the address at which other hosts reach this one',
    relay.tooNear,
  ),
  ADDRESS_UNHEARD: row(
    'warning',
    'A relay does not listen at an address where others look for it.',
    'let relay.listen have that port and kind of address; where something forwards it to this relay, name it in relay.announce; where the mesh file is wrong, mend `bootstrap` in mesh.json of the authority',
    relay.unheardAt,
  ),
  IDENTITY_TWICE: row(
    'error',
    'Two processes run with one identity.',
    'stop one of the two, as the one from a copied folder; a copy needs an identity of its own: `postern mesh issue`, or an invite',
    relay.twice,
  ),
  RELAY_UNVISITED: row(
    'info',
    'Nobody is linked to this relay.',
    'see from another host whether its port is open: `postern doctor` of a node there',
    relay.unvisited,
  ),
  KNOCKS_MANY: row(
    'info',
    'Many connections came without a good knock: whoever made them does not hold the mesh secret.',
    'nothing, if it is a port scan: it was told nothing; if a node of this mesh is kept out, run `postern doctor` there',
    relay.manyKnocked,
  ),
  BULLETIN_BEHIND: row(
    'warning',
    'A neighbour has a newer bulletin than this node.',
    'the next link brings it; if it stays, see the log for `bulletin refused`, and run `postern revoke` again for who was revoked last',
    credential.behind,
  ),
  ...bulletinRows,
  NOT_RUNNING: row('info', 'No node runs here.', '`postern up`', ({ running }) =>
    running === false ? [{ cause: 'nobody answers at its admin socket; what it would do was tried instead' }] : [],
  ),
  NODE_SILENT: row(
    'error',
    'The node does not answer its operator.',
    'ask as the user who runs it; if it hangs, see its log and start it again',
    failed('NODE_SILENT'),
  ),
} as const satisfies Readonly<Record<string, WarningRow>>

export type WarningCode = keyof typeof warningRows

/** A way in which a node is unwell now: what, why, and what to do about it. */
export interface Warning {
  readonly code: WarningCode
  readonly severity: Severity
  readonly title: string
  /** A peer, a service or an origin, where the code alone does not tell it from another. */
  readonly about: string | undefined
  readonly cause: string
  readonly remedy: string
}

/** All that is unwell, as far as the facts tell, the gravest first. */
export function warningsOf(facts: Facts): Warning[] {
  const found = Object.entries(warningRows).flatMap(([code, { check, remedy, severity, title }]) =>
    check(facts).map(({ about, cause, ...own }) => ({
      code: code as WarningCode,
      severity: own.severity ?? severity,
      title,
      about,
      cause,
      remedy: own.remedy ?? remedy,
    })),
  )
  return found.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity))
}

/** What tells one warning from another. */
export function keyOf({ about, code }: Warning): string {
  return `${code} ${about ?? ''}`
}

/** Whether somebody has to do something. */
export function isUnwell(found: readonly Warning[]): boolean {
  return found.some(({ severity }) => isAbove(severity, 'info'))
}
