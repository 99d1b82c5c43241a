import type { VerifiedCredential } from '@postern/identity'
import { permits } from '@postern/identity'
import type { Clock, PeerName, Role } from '@postern/protocol'

/** Who our neighbours and far ends are: the credential each has shown on its newest connection. */
export class Roster {
  readonly #clock: Clock
  readonly #credentials = new Map<PeerName, VerifiedCredential>()

  constructor(clock: Clock) {
    this.#clock = clock
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

  /** The credential of a peer, while it is valid. */
  of(peer: PeerName): VerifiedCredential | undefined {
    const credential = this.#credentials.get(peer)
    return credential !== undefined && credential.expiresMs > this.#clock.now() ? credential : undefined
  }

  /** The credential of a peer that has one of the roles now. */
  with(peer: PeerName, ...roles: readonly Role[]): VerifiedCredential | undefined {
    const credential = this.of(peer)
    return credential !== undefined && roles.some((role) => permits(credential, role)) ? credential : undefined
  }
}
