import { type Code, type RelayAddress, reasonOf } from '@postern/protocol'
import { linkTo } from './circuit/open.ts'
import type { Host } from './host.ts'
import { knockAnswered } from './link/member.ts'

/**
 * How far the making of a link came: `dns`, `refused`, `unreachable` and `timeout` before there was a connection,
 * `knock` when it was closed without an octet, `silent` when it was left open without one, `credential` when one side
 * did not take that of the other, `broken` anywhere else behind the knock.
 */
export type FaultKind = 'dns' | 'refused' | 'unreachable' | 'timeout' | 'knock' | 'silent' | 'credential' | 'broken'

/** Why a link to a relay was not made. */
export interface LinkFault {
  readonly kind: FaultKind
  /** For `credential`: CREDENTIAL_REFUSED when the relay refused ours, else what is wrong with the relay's. */
  readonly code?: Code
  readonly reason: string
}

/** A relay as a node that wants a link to it sees it. */
export interface RelayStatus extends RelayAddress {
  readonly linked: boolean
  readonly fault?: LinkFault
}

const kindOfSystem: Readonly<Record<string, FaultKind>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
}

/** Links to a relay. Never throws: answers with what kept the link from being made, or undefined when it is there. */
export async function tryLink(host: Host, relay: RelayAddress, signal: AbortSignal): Promise<LinkFault | undefined> {
  const seen = new Set<string>()
  const before = host.refused.get(relay.peer)?.times
  try {
    await linkTo(host, relay, signal, ({ type }) => seen.add(type))
    if (host.roster.with(relay.peer, 'relay') !== undefined) return undefined
    return { kind: 'credential', code: 'CREDENTIAL_REFUSED', reason: 'the peer is no relay' }
  } catch (error) {
    const refused = host.refused.get(relay.peer)
    const code = refused?.times === before ? undefined : refused?.code
    return faultOf(error, { connected: seen.has(knockSent), answered: seen.has(knockAnswered), code })
  }
}

/** libp2p says so when the connection is there and the protector, whose part the knock is, has done its work. */
const knockSent = 'upgrader:encrypt-outbound-connection'

interface LinkSeen {
  readonly connected: boolean
  readonly answered: boolean
  /** Of the credential that was refused, on either side. */
  readonly code: Code | undefined
}

/** What an error of libp2p's dial means, given what was seen of the link. */
export function faultOf(error: unknown, seen: LinkSeen): LinkFault {
  // Of several addresses, the one that came furthest says most.
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  const furthest = errors.find(isUpgrade) ?? errors.find(isTimeout) ?? errors[0]
  const reason = reasonOf(furthest)
  if (seen.code !== undefined) return { kind: 'credential', code: seen.code, reason }
  if (isUpgrade(furthest)) return { kind: seen.answered || otherWords.test(reason) ? 'broken' : 'knock', reason }
  if (isTimeout(furthest)) return { kind: seen.connected ? 'silent' : 'timeout', reason }
  const system = (furthest as NodeJS.ErrnoException | undefined)?.code ?? ''
  return { kind: kindOfSystem[system] ?? 'unreachable', reason }
}

function isUpgrade(error: unknown): boolean {
  return error instanceof Error && error.name === 'EncryptionFailedError'
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}

/** What libp2p says of a listener that spoke, but not as a relay does. */
const otherWords = /(while|after) reading [1-9]\d*\/|tried to read|selection failed|too long|invalid/i
