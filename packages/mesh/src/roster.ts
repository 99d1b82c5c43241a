import { permits, type Revocations, type VerifiedCredential } from '@postern/identity'
import type { Clock, PeerName, Role } from '@postern/protocol'

/** Why a peer is no longer a member. */
export type Lapse = 'CREDENTIAL_REVOKED' | 'CREDENTIAL_EXPIRED'

/** Who our neighbours and far ends are: the credential each has shown on its newest connection. */
export class Roster {
  readonly #clock: Clock
  readonly #revocations: Pick<Revocations, 'covers'>
  readonly #credentials = new Map<PeerName, VerifiedCredential>()

  constructor(clock: Clock, revocations: Pick<Revocations, 'covers'>) {
    this.#clock = clock
    this.#revocations = revocations
  }

  /** A peer met over a circuit shows its services; a link to the same peer does not take that back. */
  proved(credential: VerifiedCredential): void {
    const known = this.#credentials.get(credential.peer)
    if (known?.id === credential.id && known.services.length > 0) return
    this.#credentials.set(credential.peer, credential)
  }

  gone(peer: PeerName): void {
    this.#credentials.delete(peer)
  }

  /** The credential of a peer, while it is valid and nobody has taken it back. */
  of(peer: PeerName): VerifiedCredential | undefined {
    const credential = this.#credentials.get(peer)
    return credential !== undefined && this.#fault(credential) === undefined ? credential : undefined
  }

  /** Peers that were members when they came and are none any more, and why. */
  lapsed(): Array<{ peer: PeerName; name: string; code: Lapse }> {
    const lapsed: Array<{ peer: PeerName; name: string; code: Lapse }> = []
    for (const credential of this.#credentials.values()) {
      const code = this.#fault(credential)
      if (code !== undefined) lapsed.push({ peer: credential.peer, name: credential.name, code })
    }
    return lapsed
  }

  #fault(credential: VerifiedCredential): Lapse | undefined {
    if (this.#revocations.covers(credential)) return 'CREDENTIAL_REVOKED'
    return credential.expiresMs > this.#clock.now() ? undefined : 'CREDENTIAL_EXPIRED'
  }

  /** The credential of a peer that has one of the roles now. */
  with(peer: PeerName, ...roles: readonly Role[]): VerifiedCredential | undefined {
    const credential = this.of(peer)
    return credential !== undefined && roles.some((role) => permits(credential, role)) ? credential : undefined
  }
}
