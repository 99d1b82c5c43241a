import type { FaultKind, RelayStatus } from '@postern/mesh'
import { furthestOf, reaches } from './address-reach.ts'
import type { Facts } from './facts.ts'
import { unheard } from './listening.ts'
import { failed, named, span } from './said.ts'
import type { Check, Found } from './warning.ts'

/** A relay that nobody has linked to for this long may be out of reach. */
const unvisitedMs = 10 * 60_000
/** Refused knocks within minutes from which on somebody tries. */
const manyKnocks = 20

/** Faults of the way to a relay, and what to look at. */
const unreachable: Readonly<Partial<Record<FaultKind, readonly [cause: string, remedy: string]>>> = {
  dns: [
    'its name is not known here',
    'look at the name in mesh.json and at the resolver of this host: getent hosts NAME',
  ],
  refused: [
    'nothing listens there',
    'start the relay, or mend the port: relay.listen there, the address in mesh.json here',
  ],
  unreachable: ['no connection can be made', 'look at the network of this host: ip route get ADDRESS'],
  timeout: ['no answer to a connection', 'look at the firewalls between, and whether its host is up: nc -vz HOST PORT'],
  broken: [
    'breaks off behind the knock',
    'see whether it is a relay of this mesh (mesh.json there and here), and its log',
  ],
}

function faulty(
  { relays = [] }: Facts,
  of: (fault: NonNullable<RelayStatus['fault']>) => Omit<Found, 'about'> | undefined,
  say = named,
): Found[] {
  return relays.flatMap((relay) => {
    const found = relay.fault && of(relay.fault)
    return found === undefined ? [] : [{ ...found, about: relay.peer, cause: `${say(relay)}: ${found.cause}` }]
  })
}

export const outOfReach: Check = (facts) =>
  faulty(facts, ({ kind, reason }) => {
    const known = unreachable[kind]
    return known && { cause: `${known[0]} (${reason})`, remedy: known[1] }
  })

export const knockRefused: Check = (facts) =>
  faulty(facts, ({ kind }) =>
    kind === 'knock' || kind === 'silent'
      ? {
          cause: `takes the connection and ${kind === 'silent' ? 'says nothing' : 'closes it without a word'}. A clock is more than a minute off, the mesh secrets differ, or another relay or program listens there`,
        }
      : undefined,
  )

export const credentialRefused: Check = (facts) => [
  ...failed('CREDENTIAL_REFUSED')(facts),
  ...faulty(facts, ({ code }) =>
    code === 'CREDENTIAL_REFUSED'
      ? { cause: 'does not take the credential of this node; its log has the reason (link refused)' }
      : undefined,
  ),
]

export const noMember: Check = (facts) =>
  faulty(facts, ({ code, kind }) =>
    kind === 'credential' && code !== 'CREDENTIAL_REFUSED'
      ? { cause: `its credential is refused here, ${code ?? ''}` }
      : undefined,
  )

export const none: Check = ({ entries, reachable }) => {
  if ((entries ?? reachable)?.linked !== 0) return []
  const cause =
    reachable?.relays === 0 ? 'the mesh file names no relay' : 'none of the relays known here could be linked'
  return [{ cause }]
}

/** A relay that tells only of addresses nearer than those of the others. */
export const tooNear: Check = ({ relay }) => {
  if (relay === undefined || relay.addresses.length === 0) return []
  const own = furthestOf(relay.addresses)
  const others = furthestOf(relay.others)
  if (own >= others) return []
  return [
    {
      cause: `${relay.addresses.join(', ')} can be reached from ${reaches[own] ?? ''}, other relays from ${reaches[others] ?? ''}`,
    },
  ]
}

/** A relay to which others have linked is reached, whatever forwards them. */
export const unheardAt: Check = ({ listening, relay }) => {
  if (listening === undefined || (relay?.inbound ?? 0) > 0) return []
  const { announced, named: inMeshFile } = unheard(listening)
  const listens = `relay.listen is ${listening.listen.join(', ')}`
  return [
    ...inMeshFile.map((address) => ({ about: address, cause: `the mesh file says ${address}, and ${listens}` })),
    ...announced.map((address): Found => {
      const severity = relay === undefined ? 'info' : 'warning'
      return { about: address, cause: `relay.announce says ${address}, and ${listens}`, severity }
    }),
  ]
}

export const unvisited: Check = ({ relay, upMs = 0 }) => {
  if (relay === undefined || relay.inbound > 0 || upMs < unvisitedMs) return []
  return [
    {
      cause: `it has run for ${span(upMs)} and tells others to come to ${relay.addresses.join(', ')}; nobody is linked`,
    },
  ]
}

export const manyKnocked: Check = ({ knocks = {} }) => {
  const refused = Object.entries(knocks).filter(([reason]) => reason !== 'late' && reason !== 'stale')
  if (refused.reduce((sum, [, count]) => sum + count, 0) < manyKnocks) return []
  return [{ cause: `within minutes: ${refused.map(([reason, count]) => `${count} ${reason}`).join(', ')}` }]
}

export const twice: Check = ({ twins }) => [
  ...(twins?.own === true ? [{ cause: 'a peer is linked to two processes with the key of this node' }] : []),
  ...(twins?.peers ?? []).map((peer) => ({
    about: peer,
    cause: `two processes with the identity ${peer} are linked to this node`,
    severity: 'warning' as const,
  })),
]
