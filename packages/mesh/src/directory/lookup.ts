import type { Connection, Stream } from '@libp2p/interface'
import {
  type Clock,
  type DirectoryKey,
  decodeLookupAnswer,
  decodeLookupRequest,
  encodeMessage,
  type LookupRequest,
  type MeshId,
  type Meter,
  PosternError,
  protocolId,
  type RelayAddress,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import { lookupBurstSeconds, type RelayLimits } from '../limits/relay-limits.ts'
import { Turnstile } from '../limits/turnstile.ts'
import { plausible } from '../link/address.ts'
import { isMalformed } from '../link/short-length.ts'
import { rightsOf } from '../rights.ts'
import type { Dht } from './dht.ts'
import { guardsKey, relayKey } from './keys.ts'
import { messagesOf } from './messages.ts'

const maxRelays = 32
const maxGuards = 16
const requestDeadlineMs = 5000
const freshMs = 1000
const maxRecent = 1024

export interface LookupInit {
  readonly host: Host
  readonly dht: Dht
  readonly mesh: MeshId
  /** Whether this relay guards what the key stands for. */
  readonly guards: (key: DirectoryKey) => boolean
  readonly addresses: () => readonly string[]
  readonly limits: RelayLimits
  readonly clock: Clock
  readonly meter: Meter
}

/**
 * The relay's side of lookup, by way of the DHT: which relays there are, for neighbours; and which of them guard an id,
 * for whoever asks over a circuit.
 */
export class Lookup {
  readonly #init: LookupInit
  readonly #lookups: Turnstile
  readonly #recent = new Map<string, Promise<RelayAddress[]>>()

  constructor(init: LookupInit) {
    const { clock, host, limits, meter } = init
    this.#init = init
    this.#lookups = new Turnstile({
      what: 'lookups',
      perSecond: limits.lookupsPerSecond,
      burst: limits.lookupsPerSecond * lookupBurstSeconds,
      bans: host.bans,
      clock,
      meter,
    })
  }

  async start(): Promise<void> {
    await this.#init.host.libp2p.handle(protocolId.lookup, (stream, connection) => {
      this.#serve(stream, connection).catch((error: Error) => stream.abort(error))
    })
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const { host, meter } = this.#init
    const peer = connection.remotePeer.toString()
    if (host.roster.of(peer) === undefined) throw new PosternError('CREDENTIAL_REFUSED', 'not asked by a member')
    if (!this.#lookups.passes(host.roster.accountOf(peer))) throw new PosternError('BUSY', 'asked too often')
    const signal = AbortSignal.timeout(requestDeadlineMs)
    const messages = messagesOf(stream)
    const request = await this.#read(messages, signal).catch((error: unknown) => {
      if (isMalformed(error)) host.bans.blame(peer, 'malformed')
      throw error
    })
    if (!rightsOf(host.roster.of(peer)).lookup) {
      host.bans.blame(peer, 'forbidden')
      throw new PosternError('CREDENTIAL_REFUSED', 'not for one who is only invited')
    }
    meter.count('lookups', request.type)
    await messages.write(encodeMessage({ relays: await this.#relays() }), { signal })
    await stream.close({ signal })
  }

  async #read(messages: ReturnType<typeof messagesOf>, signal: AbortSignal): Promise<LookupRequest> {
    const request = decodeLookupRequest((await messages.read({ signal })).subarray())
    if (request === undefined) throw new PosternError('BAD_MESSAGE', 'not a lookup')
    return request
  }

  /** Relays that guard what the key stands for. */
  guardsOf(key: DirectoryKey): Promise<readonly RelayAddress[]> {
    this.#init.meter.count('lookups', 'guards')
    return this.#once(key, async () => {
      const others = await this.#init.dht.find(guardsKey(key), maxGuards)
      return this.#init.guards(key) ? [this.#self(), ...others] : others
    })
  }

  /** Relays of the mesh, this one first. */
  #relays(): Promise<RelayAddress[]> {
    return this.#once('relays', async () => [
      this.#self(),
      ...(await this.#init.dht.find(relayKey(this.#init.mesh), maxRelays)),
    ])
  }

  /** One search serves all who ask the same within a second. */
  #once(what: string, search: () => Promise<RelayAddress[]>): Promise<RelayAddress[]> {
    const recent = this.#recent.get(what)
    if (recent !== undefined) return recent
    const found = search()
    if (this.#recent.size >= maxRecent) return found
    this.#recent.set(what, found)
    setTimeout(() => this.#recent.delete(what), freshMs).unref()
    return found
  }

  #self(): RelayAddress {
    return { peer: this.#init.host.peer, addresses: this.#init.addresses() }
  }
}

/** Asks a neighbouring relay; what cannot be a relay is left out. Throws BAD_MESSAGE, or what libp2p throws where the link is down. */
export async function askRelay(
  link: Connection,
  request: LookupRequest,
  signal: AbortSignal,
): Promise<readonly RelayAddress[]> {
  const stream = await link.newStream(protocolId.lookup, { signal })
  try {
    const messages = messagesOf(stream)
    await messages.write(encodeMessage(request), { signal })
    const answer = decodeLookupAnswer((await messages.read({ signal })).subarray())
    if (answer === undefined) throw new PosternError('BAD_MESSAGE', 'the relay answered a lookup with something else')
    await stream.close({ signal })
    return plausible(answer.relays)
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}
