import type { Libp2p, PeerInfo } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerName, RelayAddress } from '@postern/protocol'
import { pipe } from 'it-pipe'
import type { CID } from 'multiformats/cid'
import { withoutPeer } from '../link/address.ts'

const findDeadlineMs = 2000
const provideDeadlineMs = 10_000

/** The mesh's DHT as a relay uses it: it provides keys and finds who else does. */
export class Dht {
  readonly #libp2p: Libp2p
  readonly #failed: (error: unknown) => void

  /** `failed` is told of every search that did not come to its end. */
  constructor(libp2p: Libp2p, failed: (error: unknown) => void) {
    this.#libp2p = libp2p
    this.#failed = failed
  }

  async provide(key: CID): Promise<void> {
    await this.#libp2p.contentRouting.provide(key, { signal: AbortSignal.timeout(provideDeadlineMs) })
  }

  /** Stops telling the DHT; what others keep expires by itself. */
  async stopProviding(key: CID): Promise<void> {
    await this.#libp2p.contentRouting.cancelReprovide(key)
  }

  /** Relays that provide the key, at most `max`, as far as found within two seconds; this one is not among them. */
  async find(key: CID, max: number): Promise<RelayAddress[]> {
    const signal = AbortSignal.timeout(findDeadlineMs)
    const own = this.#libp2p.peerId.toString()
    const found = new Map<PeerName, RelayAddress>()
    const collect = async (relays: AsyncIterable<RelayAddress>) => {
      for await (const relay of relays) {
        if (relay.peer !== own && relay.addresses.length > 0) found.set(relay.peer, relay)
        if (found.size >= max) break
      }
    }
    try {
      await pipe(this.#libp2p.contentRouting.findProviders(key, { signal }), toAddresses, collect)
    } catch (error) {
      // What was found before the deadline, or before a server failed, is still good.
      this.#failed(error)
    }
    return [...found.values()]
  }

  /** Addresses at which the directory knows a relay, as far as found within two seconds; none where it knows none. Never throws. */
  async findRelay(peer: PeerName): Promise<readonly string[]> {
    try {
      const signal = AbortSignal.timeout(findDeadlineMs)
      const { multiaddrs } = await this.#libp2p.peerRouting.findPeer(peerIdFromString(peer), { signal })
      return multiaddrs.map(withoutPeer)
    } catch {
      return []
    }
  }
}

async function* toAddresses(providers: AsyncIterable<PeerInfo>): AsyncIterable<RelayAddress> {
  for await (const { id, multiaddrs } of providers) {
    yield { peer: id.toString(), addresses: multiaddrs.map(withoutPeer) }
  }
}
