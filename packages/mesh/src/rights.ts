import type { Credential, Role } from '@postern/protocol'

/** What a relay does for a neighbour. */
export interface Rights {
  /** Circuits that the neighbour may have open. */
  readonly circuits: number
  /** Whether it is told which relays there are; what it asks over circuits nobody can tell to be its question. */
  readonly lookup: boolean
  /** What it may be registered as. */
  readonly registers: ReadonlyArray<'service' | 'authority'>
  /** Whether it takes part in the DHT. */
  readonly directory: boolean
}

const unlimited = Number.POSITIVE_INFINITY
/** What asking an authority for a credential takes. */
const fewCircuits = 8

const rights: Readonly<Record<Role | 'invited' | 'stranger', Rights>> = {
  relay: { circuits: unlimited, lookup: true, registers: [], directory: true },
  ingress: { circuits: unlimited, lookup: true, registers: [], directory: false },
  egress: { circuits: fewCircuits, lookup: true, registers: ['service'], directory: false },
  authority: { circuits: fewCircuits, lookup: true, registers: ['authority'], directory: false },
  invited: { circuits: fewCircuits, lookup: false, registers: [], directory: false },
  stranger: { circuits: 0, lookup: false, registers: [], directory: false },
}

/** What a neighbour may ask for, by the credential it has shown: of each right the most that one of its roles gives. */
export function rightsOf(credential: Credential | undefined): Rights {
  if (credential === undefined) return rights.stranger
  const given = credential.roles.length === 0 ? [rights.invited] : credential.roles.map((role) => rights[role])
  return {
    circuits: Math.max(...given.map(({ circuits }) => circuits)),
    lookup: given.some(({ lookup }) => lookup),
    registers: given.flatMap(({ registers }) => registers),
    directory: given.some(({ directory }) => directory),
  }
}

/**
 * Whom limits count by: the peer, or, of one who is only invited, the invite. Keys cost nothing to make, so all that show
 * one invite are one neighbour.
 */
export function accountOf({ id, peer, roles }: Pick<Credential, 'id' | 'peer' | 'roles'>): string {
  return roles.length === 0 ? id : peer
}
