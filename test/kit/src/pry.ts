import { join } from 'node:path'
import {
  dayOf,
  directoryKeyOf,
  loadMember,
  lookupKeyOf,
  openRecord,
  recordKeyOf,
  serviceIdOf,
  subjectOf,
} from '@postern/identity'
import {
  Dht,
  guardsKey,
  type Host,
  linkTo,
  messagesOf,
  openCircuit,
  readGuards,
  readLookup,
  relayOfAddress,
  startHost,
} from '@postern/mesh/testing'
import {
  type End,
  encodeMessage,
  noMeter,
  type PeerName,
  protocolId,
  type RelayAddress,
  silentLog,
  systemClock,
} from '@postern/protocol'

export interface PryOrder {
  /** The folder of a relay, with its genuine key and credential. */
  readonly folder: string
  readonly listen: string
  /** Today's id of a service, as a guard or somebody else has told it. */
  readonly id: string
  /** The name of the service, to test a guess of it. */
  readonly guess: string
}

/** What a relay got from the mesh by asking. */
export interface Pried {
  /** Relays that the DHT names by the key of the id, and those that relays name when asked over a circuit. */
  readonly guards: readonly PeerName[]
  /** Sealed records that guards gave for the id. */
  readonly records: number
  /** All that was answered, base64. */
  readonly heard: string
  /** Egresses of records that opened without the name, and with it. */
  readonly opened: readonly PeerName[]
  readonly guessed: readonly PeerName[]
}

const deadlineMs = 8000

/** A relay with a genuine key that asks whatever it can of whom it can about an id that it has seen. */
export async function pry({ folder, guess, id, listen }: PryOrder): Promise<Pried> {
  const member = await loadMember(join(folder, 'mesh.json'), join(folder, 'state'))
  const tools = { clock: systemClock, log: silentLog, meter: noMeter }
  const host = await startHost({ member, relay: { listen: [listen], announce: [] }, ...tools })
  try {
    const start = member.mesh.bootstrap.map(relayOfAddress)
    for (const relay of start) await linkTo(host, relay, AbortSignal.timeout(deadlineMs))
    const key = directoryKeyOf(id)
    const dht = new Dht(host.libp2p, () => {})
    const found = [...(await dht.find(guardsKey(key), 16)), ...(await dht.find(guardsKey(id), 16))]
    const question = { kind: 'end', purpose: 'guards', subject: Buffer.from(key, 'hex') } as const
    for (const relay of start) found.push(...(await over(host, relay, question, readGuards)))
    const relays = [...new Map([...start, ...found].map((relay) => [relay.peer, relay])).values()]
    const heard: Uint8Array[] = []
    const sealed: Uint8Array[] = []
    for (const relay of relays) {
      for (const subject of [id, key]) {
        const lookup = { kind: 'end', purpose: 'lookup', subject: Buffer.from(subject, 'hex') } as const
        sealed.push(...(await over(host, relay, lookup, readLookup)))
      }
      heard.push(...(await plainly(host, relay, { type: 'guards', service: id })))
    }
    heard.push(encodeMessage({ relays: found }), ...sealed)
    const secrets = member.bulletin.secrets
    const day = dayOf(Date.now())
    // What it can make keys of: what it knows, and what it can derive of that as the ends do.
    const known = [...secrets.map((secret) => secret.toString('hex')), id, key]
    const keys = known.flatMap((each) => [Buffer.from(each, 'hex'), recordKeyOf(each, day)])
    const named = secrets.map((secret) => lookupKeyOf(secret, guess))
    if (!named.some((each) => serviceIdOf(each, day) === id)) throw new Error('the id is not of today')
    return {
      guards: [...new Set(found.map(({ peer }) => peer))],
      records: sealed.length,
      heard: Buffer.concat(heard).toString('base64'),
      opened: subjects(sealed, keys),
      guessed: subjects(
        sealed,
        named.map((each) => recordKeyOf(each, day)),
      ),
    }
  } finally {
    await host.libp2p.stop()
  }
}

/** Asks over a circuit that ends at the relay at once; what refuses to answer answers with nothing. */
async function over<T>(
  host: Host,
  relay: RelayAddress,
  end: End,
  read: (...args: Parameters<typeof readLookup>) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const signal = AbortSignal.timeout(deadlineMs)
  const { replyKey, stream } = await openCircuit(host, [relay], end, { clock: systemClock, signal })
  return await read(stream, replyKey, signal)
}

/** Says something to a relay as to a neighbour, in the protocol of lookups. */
async function plainly(host: Host, relay: RelayAddress, message: object): Promise<Uint8Array[]> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    const stream = await (await linkTo(host, relay, signal)).newStream(protocolId.lookup, { signal })
    const messages = messagesOf(stream)
    await messages.write(Buffer.from(JSON.stringify(message)), { signal })
    return [(await messages.read({ signal })).subarray()]
  } catch {
    return []
  }
}

function subjects(sealed: readonly Uint8Array[], keys: readonly Buffer[]): PeerName[] {
  const opened = sealed.flatMap((record) =>
    keys.flatMap((key) => {
      try {
        return [subjectOf(openRecord(record, key))]
      } catch {
        return []
      }
    }),
  )
  return [...new Set(opened)].toSorted()
}
