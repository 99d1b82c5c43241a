import { randomBytes } from 'node:crypto'
import type {
  Connection,
  MultiaddrConnection,
  PrivateKey,
  StreamMuxerFactory,
  Transport,
  Upgrader,
  UpgraderOptions,
} from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import type { KnockKey } from '@postern/identity'
import { type Knock, knockOpeningSize, PosternError, reasonOf } from '@postern/protocol'
import { callDirectly } from './direct.ts'
import { Door, quietMsOf } from './door.ts'
import { KnockJudge, type KnockJudgeInit, type KnockRefusal, makeKnock } from './knock.ts'
import { type MembershipInit, proveMembership } from './membership.ts'
import { oneWrite } from './one-write.ts'
import { tally } from './tally.ts'
import { LinkTls, takeSocket } from './tls.ts'
import { Unproved, unprovedLimits } from './unproved.ts'

export interface LinkInit extends KnockJudgeInit {
  readonly key: PrivateKey
  /** What this node knocks with. */
  readonly knock: () => KnockKey
  readonly refused: (reason: KnockRefusal) => void
  readonly membership: MembershipInit
  readonly muxer: StreamMuxerFactory
  /** Hears of every octet that a link carries, either way. */
  readonly passed?: (bytes: number) => void
}

/** What `onProgress` of a dial hears: the connection is there and the knock is sent; the listener has answered to it. */
export const linkProgress = { knocked: 'postern:knocked', answered: 'postern:answered' } as const

/** A link that broke off behind the connection: whether the other side had said anything until then. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly answered: boolean

  constructor(cause: unknown, answered: boolean) {
    super(reasonOf(cause), { cause })
    this.answered = answered
  }
}

const inactivityMs = 120_000
/** Time for the handshake of TLS and the credentials, from a good knock on. */
const proofDeadlineMs = 10_000

/** What a handshake is bound to: the knock that came, or who was knocked at and what the knock was made of. */
interface Knocked {
  readonly knock?: Knock
  readonly listener?: string
  readonly opening?: Uint8Array
}

type Components = Parameters<ReturnType<typeof tcp>>[0]

/**
 * TCP on which every connection is a link between members: knock, TLS, credentials, yamux. Each step has one way to be
 * done, so nothing is negotiated: libp2p is handed connections that are encrypted and says not a word in the clear.
 */
export function linkTransport(init: LinkInit): (components: Components) => Transport {
  return (components) => {
    const transport = tcp({
      inboundSocketInactivityTimeout: inactivityMs,
      outboundSocketInactivityTimeout: inactivityMs,
      backlog: 1024,
    })(components)
    const links = new Links(init)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = (address, options) => dial(address, { ...options, upgrader: links.upgrader(options.upgrader) })
    transport.createListener = (options) => createListener({ ...options, upgrader: links.upgrader(options.upgrader) })
    return transport
  }
}

class Links {
  readonly #init: LinkInit
  readonly #tls: LinkTls
  readonly #door: Door

  constructor(init: LinkInit) {
    const { key, refused } = init
    this.#init = init
    this.#tls = new LinkTls(key)
    const judge = new KnockJudge(init, peerIdFromPrivateKey(key).toString())
    const quietMs = quietMsOf(key.raw.subarray(0, 32))
    this.#door = new Door({ judge, unproved: new Unproved(unprovedLimits), quietMs, refused })
  }

  /** Makes links, and leaves what is above them to the upgrader of libp2p. */
  upgrader(above: Upgrader): Upgrader {
    return Object.assign(Object.create(above) as Upgrader, {
      upgradeInbound: (connection: MultiaddrConnection, options: UpgraderOptions) =>
        this.#answer(connection, options, above),
      upgradeOutbound: (connection: MultiaddrConnection, options: UpgraderOptions) =>
        this.#knock(connection, options, above),
    })
  }

  async #answer(connection: MultiaddrConnection, options: UpgraderOptions, above: Upgrader): Promise<void> {
    const socket = takeSocket(connection)
    const knock = await this.#door.enter(socket, options.signal)
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(proofDeadlineMs)])
    const proved = await this.#prove(connection, { ...options, signal }, { knock })
    await above.upgradeInbound(connection, { ...options, ...proved })
  }

  async #knock(connection: MultiaddrConnection, options: UpgraderOptions, above: Upgrader): Promise<Connection> {
    const { clock, knock } = this.#init
    const listener = connection.remoteAddr.getComponents().findLast((part) => part.name === 'p2p')?.value
    if (listener === undefined)
      throw new PosternError('KNOCK_REFUSED', 'a relay is only dialled by an address that ends in its peer id')
    const socket = takeSocket(connection)
    try {
      const opening = randomBytes(knockOpeningSize)
      socket.write(makeKnock(knock(), listener, clock.now(), opening))
      tellProgress(options, linkProgress.knocked)
      const proved = await this.#prove(connection, options, { listener, opening })
      return await above.upgradeOutbound(connection, { ...options, ...proved })
    } catch (error) {
      throw new LinkError(error, socket.bytesRead > 0)
    }
  }

  /** TLS and membership. Answers with what the upgrader needs in order to negotiate nothing. */
  async #prove(connection: MultiaddrConnection, options: UpgraderOptions, { knock, listener, opening }: Knocked) {
    const { membership, muxer, passed } = this.#init
    const { signal } = options
    callDirectly(connection)
    oneWrite(connection)
    if (passed !== undefined) tally(connection, passed)
    const expected = listener === undefined ? {} : { remotePeer: peerIdFromString(listener) }
    const secured = await this.#tls.secure(connection, { ...expected, signal })
    tellProgress(options, linkProgress.answered)
    await proveMembership(secured, connection, membership, { signal, knock, opening })
    const { remotePeer } = secured
    return { skipProtection: true, skipEncryption: true, remotePeer, muxerFactory: muxer } as const
  }
}

function tellProgress({ onProgress }: UpgraderOptions, type: string): void {
  const tell = onProgress as ((event: { readonly type: string }) => void) | undefined
  tell?.({ type })
}
