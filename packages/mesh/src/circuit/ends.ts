import type { Stream } from '@libp2p/interface'
import { permits } from '@postern/identity'
import {
  type Caller,
  type Credential,
  type DirectoryKey,
  type End,
  type Log,
  type Meter,
  type Offer,
  protocolId,
  type RelayAddress,
  type ServiceId,
} from '@postern/protocol'
import type { Host } from '../host.ts'
import { streamPipe } from '../stream-pipe.ts'
import { answerEcho, answerGuards, answerLookup } from './answer.ts'
import { upgradeInbound } from './upgrade.ts'

/** Serves what a circuit may end in. */
export type EndServer = (stream: Stream, replyKey: Buffer, end: End) => Promise<void>

const upgradeDeadlineMs = 10_000

export const echoEnd: EndServer = (stream) => answerEcho(stream)

/** At a guard: the records it holds under the id that is asked for. */
export function lookupEnd(recordsOf: (service: ServiceId) => readonly Uint8Array[]): EndServer {
  return (stream, replyKey, end) => answerLookup(stream, replyKey, recordsOf(Buffer.from(end.subject).toString('hex')))
}

/** At any relay: which relays guard what is asked for. */
export function guardsEnd(guardsOf: (key: DirectoryKey) => Promise<readonly RelayAddress[]>): EndServer {
  return async (stream, replyKey, end) =>
    answerGuards(stream, replyKey, await guardsOf(Buffer.from(end.subject).toString('hex')))
}

/** At an egress or an authority: the circuit becomes a connection, on which the initiator then opens the trunk. */
export function trunkEnd(host: Host): EndServer {
  return (stream) => upgradeInbound(host, stream, AbortSignal.timeout(upgradeDeadlineMs))
}

interface ServeTools {
  /** Whether any call may be taken now. */
  readonly isAllowed?: () => boolean
  readonly log: Log
  readonly meter: Meter
}

/** Hands every trunk of an ingress to the offer; whoever else opens one is turned away. */
export async function serveTrunks(
  host: Host,
  offer: Offer,
  { isAllowed = () => true, log, meter }: ServeTools,
): Promise<void> {
  await host.libp2p.handle(
    protocolId.exchange,
    (stream, connection) => {
      const peer = connection.remotePeer.toString()
      const credential = host.roster.of(peer)
      if (credential === undefined || !permits(credential, 'ingress')) {
        meter.count('trunks_refused')
        log.warn('trunk refused', { peer, code: 'CALLER_REFUSED' })
        stream.abort(new Error('only an ingress opens a trunk'))
        return
      }
      meter.count('trunks_accepted')
      log.info('trunk accepted', { peer, name: credential.name })
      offer.accept(streamPipe(stream), callerOf(host, credential, isAllowed))
    },
    { maxInboundStreams: 16 },
  )
}

/** The ingress, and what it may call as things are when its exchanges arrive; those that arrive together are asked about once. */
function callerOf({ roster }: Host, { name, peer }: Credential, isAllowed: () => boolean): Caller {
  let known: readonly string[] | undefined
  const forget = () => {
    known = undefined
  }
  return {
    peer,
    name,
    get services() {
      if (known === undefined) {
        known = (isAllowed() ? roster.with(peer, 'ingress')?.services : undefined) ?? []
        queueMicrotask(forget)
      }
      return known
    },
  }
}
