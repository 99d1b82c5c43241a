import type { MeshStatus, RelayStatus } from '@postern/mesh'
import type { Code } from '@postern/protocol'
import type { Listening } from './listening.ts'

/** A coded failure of reading what a node is made of, or of starting it. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly remedy?: string
}

/** A place where an API listens, as far as it was tried. */
export interface BackendFact {
  readonly service: string
  readonly origin: string
  readonly up: boolean
  /** It took a connection, and did not answer on it in time. */
  readonly silent?: boolean
  /** Why it is not up. */
  readonly reason?: string
  /** How far its clock is ahead of ours, as far as it told the time (RFC 9110 section 6.6.1), in ms. */
  readonly clockAheadMs?: number
}

/** A certificate that a listener shows to clients, or that is to be shown where no node runs. */
export interface CertificateFact {
  readonly file: string
  readonly expiresMs: number
  /** What the file holds by now instead: a certificate until then, or why it holds none. */
  readonly replaced?: { readonly expiresMs: number } | { readonly reason: string }
}

export interface ConfigFact {
  readonly file: string
  readonly differs: readonly string[]
  /** The file that was looked at, where it is another. */
  readonly asked?: string
}

/** What is known of a node and may matter for its health; JSON. What nobody has looked at is not there. */
export interface Facts {
  readonly nowMs: number
  /** Whether a node runs here; and for how long, in ms, when it was the node that was asked. */
  readonly running?: boolean
  readonly upMs?: number
  readonly failures?: readonly Failure[]
  readonly credential?: {
    readonly notBeforeMs: number
    readonly expiresMs: number
    /** When a running node renews it. */
    readonly dueMs: number
    /** Why it was not renewed since. */
    readonly failure?: Code
    readonly revoked: boolean
  }
  /** An authority: lines of its register that cannot be read. */
  readonly register?: { readonly unreadable: readonly number[] }
  /** What is in the memory of a running node and cannot be written. */
  readonly unwritten?: ReadonlyArray<{ readonly file: string; readonly reason: string }>
  /** Whether a running node's log is written, and lines that were lost. */
  readonly log?: { readonly failure?: string; readonly lost: number }
  /** How recent what is known of revocations is. */
  readonly freshness?: MeshStatus['freshness']
  /** Certificates that listeners show to clients. */
  readonly certificates?: readonly CertificateFact[]
  /** The config that a node was started with: its file, and what that says now that the node does not run with. */
  readonly config?: ConfigFact
  /** A relay: where it listens, and where others look for it. */
  readonly listening?: Listening
  /** Relays that the node wants a link to. */
  readonly relays?: readonly RelayStatus[]
  /** Of the relays of the mesh file, how many could be linked. */
  readonly reachable?: { readonly relays: number; readonly linked: number }
  /** Two processes with one identity: with that of this node, and with those of peers. */
  readonly twins?: MeshStatus['twins']
  readonly guards?: NonNullable<MeshStatus['guards']>
  readonly entries?: NonNullable<MeshStatus['entries']>
  /** Relays that are to be between an ingress and an egress. */
  readonly pathRelays?: number
  readonly services?: MeshStatus['services']
  readonly backends?: readonly BackendFact[]
  /** A relay: where others are told to reach it, where other relays are, and links that others have made to it. */
  readonly relay?: {
    readonly addresses: readonly string[]
    readonly others: readonly string[]
    readonly inbound: number
  }
  /** What was turned away or ended in the last minutes for want of room: requests by service; of clients; answers. */
  readonly refused?: {
    readonly services: Readonly<Record<string, number>>
    readonly clients: number
    /** Requests whose content did not arrive in time. */
    readonly slow: number
    readonly stalled: number
  }
  /** Connections of clients that were closed in the last minutes before a request, by the reason: refused, or for another. */
  readonly closed?: {
    readonly refused: Readonly<Record<string, number>>
    readonly evicted: Readonly<Record<string, number>>
  }
  /** Knocks that were refused in the last minutes, by the reason. */
  readonly knocks?: Readonly<Record<string, number>>
  /** Sequences of the bulletin here, and of the newest one that a neighbour has. */
  readonly bulletin?: {
    readonly sequence: number
    readonly heard: number
    /** The last one that relays did not pass on. */
    readonly withheld?: NonNullable<MeshStatus['bulletinWithheld']>
  }
}
