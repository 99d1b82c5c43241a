import { type Code, type RelayAddress, reasonOf } from '@postern/protocol'
import { linkTo } from './circuit/open.ts'
import type { Host } from './host.ts'
import { LinkError, linkProgress } from './link/transport.ts'

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
    return faultOf(error, {
      connected: seen.has(linkProgress.knocked),
      answered: seen.has(linkProgress.answered),
      code,
    })
  }
}

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
  const broken = errors.find((each) => each instanceof LinkError)
  const furthest = broken ?? errors.find(isTimeout) ?? errors[0]
  const reason = reasonOf(furthest)
  if (seen.code !== undefined) return { kind: 'credential', code: seen.code, reason }
  const answered = seen.answered || broken?.answered === true
  if (answered) return { kind: 'broken', reason }
  if (isTimeout(broken === undefined ? furthest : broken.cause))
    return { kind: seen.connected ? 'silent' : 'timeout', reason }
  if (broken !== undefined) return { kind: 'knock', reason }
  const system = (furthest as NodeJS.ErrnoException | undefined)?.code ?? ''
  return { kind: kindOfSystem[system] ?? 'unreachable', reason }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}
