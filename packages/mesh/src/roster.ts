import { type Bulletin, type Lapse, permits, type VerifiedCredential } from '@postern/identity'
import type { PeerName, Role } from '@postern/protocol'
import { accountOf } from './rights.ts'

/** Who our neighbours and far ends are: the credential each has shown on its newest connection. */
export class Roster {
  readonly #bulletin: Pick<Bulletin, 'lapse'>
  readonly #credentials = new Map<PeerName, VerifiedCredential>()

  constructor(bulletin: Pick<Bulletin, 'lapse'>) {
    this.#bulletin = bulletin
  }

  /** A peer met over a circuit shows its services; a link to the same peer does not take that back. */
  proved(credential: VerifiedCredential): void {
    const known = this.#credentials.get(credential.peer)
    if (known?.id === credential.id && known.services.length > 0) return
    this.#credentials.set(credential.peer, credential)
  }

  /** Whom limits count a peer by, see `accountOf`; the peer where nothing is known of it. */
  accountOf(peer: PeerName): string {
    const credential = this.#credentials.get(peer)
    return credential === undefined ? peer : accountOf(credential)
  }

  /** All who count as one. */
  peersOf(account: string): PeerName[] {
    if (this.#credentials.has(account)) return [account]
    return [...this.#credentials.values()].filter((each) => accountOf(each) === account).map(({ peer }) => peer)
  }

  gone(peer: PeerName): void {
    this.#credentials.delete(peer)
  }

  /** The credential of a peer, while it is valid and nobody has taken it back. */
  of(peer: PeerName): VerifiedCredential | undefined {
    const credential = this.#credentials.get(peer)
    return credential !== undefined && this.#bulletin.lapse(credential) === undefined ? credential : undefined
  }

  /** Peers that were members when they came and are none any more, and why. */
  lapsed(): Array<{ peer: PeerName; name: string; code: Lapse }> {
    const lapsed: Array<{ peer: PeerName; name: string; code: Lapse }> = []
    for (const credential of this.#credentials.values()) {
      const code = this.#bulletin.lapse(credential)
      if (code !== undefined) lapsed.push({ peer: credential.peer, name: credential.name, code })
    }
    return lapsed
  }

  /** The credential of a peer that has one of the roles now. */
  with(peer: PeerName, ...roles: readonly Role[]): VerifiedCredential | undefined {
    const credential = this.of(peer)
    return credential !== undefined && roles.some((role) => permits(credential, role)) ? credential : undefined
  }
}
