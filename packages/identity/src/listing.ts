import type { PeerName } from '@postern/protocol'
import type { Authority } from './authority.ts'
import { type Issued, type Register, readRegister } from './register.ts'
import { usedBy } from './used.ts'

/** How one that was issued, or invited, stands now; `ending` is a key that another replaces, until it is revoked. */
export type ListedState = 'invited' | 'member' | 'ending' | 'expired' | 'revoked'

/** A node as the authority knows it, or an invite that nobody has used. Times are ISO 8601. */
export interface Listed {
  readonly name: string
  readonly roles: readonly string[]
  readonly services: readonly string[]
  readonly state: ListedState
  /** None for an invite. */
  readonly peer?: PeerName
  /** Of the newest credential, or of the invite. */
  readonly id: string
  readonly issued?: string
  /** When it joined by an invite. */
  readonly joined?: string
  /** When its credential was last renewed, or its key replaced another. */
  readonly renewed?: string
  readonly expires: string
  /** When it was revoked, or is to be. */
  readonly revoked?: string
  /** When the authority last answered it: as it joined, renewed or replaced its key. */
  readonly lastSeen?: string
}

export interface Listing {
  readonly nodes: readonly Listed[]
  readonly unreadable: Register['unreadable']
}

/** All that an authority has issued and not forgotten, by name: each node once, and each invite that nobody has used. */
export function listIssued(authority: Authority): Listing {
  const { issued, unreadable } = readRegister(authority.folder)
  const peers = Map.groupBy(
    issued.filter(({ peer }) => peer !== undefined),
    ({ peer }) => peer,
  )
  const invites = issued.filter(
    ({ credential, peer }) => peer === undefined && usedBy(authority.folder, 'invites', credential) === undefined,
  )
  const rows = [...peers.values(), ...invites.map((invite) => [invite])]
  const nodes = rows.map((entries) => listed(authority, entries)).filter((row) => row !== undefined)
  return { nodes: nodes.toSorted((a, b) => a.name.localeCompare(b.name)), unreadable }
}

/** What the entries of one peer, oldest first, or of one invite say together. */
function listed({ bulletin, clock }: Authority, entries: readonly Issued[]): Listed | undefined {
  const [first] = entries
  const newest = entries.at(-1)
  if (first === undefined || newest === undefined) return undefined
  const { credential, expires, name, peer, roles, services } = newest
  const revocation = bulletin.notice.revoked.find(({ subject }) => subject === peer || subject === credential)
  const revokedMs = revocation && (revocation.from ?? revocation.at) * 1000
  const timeOf = (...by: ReadonlyArray<Issued['by']>) => entries.findLast((entry) => by.includes(entry.by))?.at
  const joined = entries.find(({ by }) => by === 'invite')?.at
  const times = {
    issued: first.at,
    joined,
    renewed: timeOf('renewal', 'replacement'),
    revoked: revokedMs === undefined ? undefined : new Date(revokedMs).toISOString(),
    lastSeen: timeOf('invite', 'renewal', 'replacement'),
  }
  const said = Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined))
  const isOver = Date.parse(expires) <= clock.now() || bulletin.isOver({ expiresMs: Date.parse(expires) })
  const state = stateOf({ isInvite: peer === undefined, isOver, revokedMs, nowMs: clock.now() })
  return { name, roles, services, state, ...(peer === undefined ? {} : { peer }), id: credential, expires, ...said }
}

interface Known {
  readonly isInvite: boolean
  readonly isOver: boolean
  readonly revokedMs: number | undefined
  readonly nowMs: number
}

function stateOf({ isInvite, isOver, nowMs, revokedMs }: Known): ListedState {
  if (revokedMs !== undefined && revokedMs <= nowMs) return 'revoked'
  if (isOver) return 'expired'
  if (isInvite) return 'invited'
  return revokedMs === undefined ? 'member' : 'ending'
}
