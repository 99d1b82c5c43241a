import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerName, RelayAddress } from '@postern/protocol'
import type { Host } from '../host.ts'
import { isHostAddress, withoutPeer } from '../link/address.ts'
import type { Dht } from './dht.ts'

export interface KnownRelaysInit {
  readonly host: Host
  readonly dht: Pick<Dht, 'findRelay'>
  /** Relays of the mesh file. */
  readonly bootstrap: () => readonly RelayAddress[]
}

/**
 * Where relays are reached, as far as this relay knows by itself: from the mesh file, from what a relay has signed of
 * itself on an earlier link (libp2p's signed peer records), and only where there is neither, from the directory. What one
 * relay tells of another in the directory so never takes the place of what that one has signed.
 */
export class KnownRelays {
  readonly #init: KnownRelaysInit

  constructor(init: KnownRelaysInit) {
    this.#init = init
  }

  /** Addresses of hosts on TCP, at most `maxAddresses`; none where the peer is not known. Never throws. */
  async addressesOf(peer: PeerName): Promise<readonly string[]> {
    const { bootstrap, dht } = this.#init
    const named = bootstrap().flatMap((relay) => (relay.peer === peer ? relay.addresses : []))
    const signed = await this.#signedBy(peer)
    const own = usable([...named, ...signed])
    return own.length > 0 ? own : usable(await dht.findRelay(peer))
  }

  async #signedBy(peer: PeerName): Promise<readonly string[]> {
    try {
      const { addresses } = await this.#init.host.libp2p.peerStore.get(peerIdFromString(peer))
      return addresses.filter(({ isCertified }) => isCertified).map(({ multiaddr }) => withoutPeer(multiaddr))
    } catch {
      return []
    }
  }
}

const maxAddresses = 8

function usable(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)].filter(isHostAddress).slice(0, maxAddresses)
}
