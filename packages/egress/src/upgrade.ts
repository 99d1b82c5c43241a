import { createHash } from 'node:crypto'
import type { ExposeRule } from '@postern/policy'
import { type FieldLines, fieldValue, PosternError, type RequestHead } from '@postern/protocol'

/** A protocol that a request may switch to (RFC 9110 section 7.8), and what the backend must say to it. */
export interface Upgrade {
  /** In lower case. */
  readonly protocol: string
  /** The Sec-WebSocket-Accept that belongs to the request; undefined for other protocols. */
  readonly accept: string | undefined
}

/** RFC 6455 section 1.3. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Sixteen octets in base64: RFC 6455 section 4.1. */
const key = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/**
 * The upgrade that a request asks for, if the rule that permits it names the protocol; undefined when it asks for none.
 * Throws UPGRADE_REFUSED, or MALFORMED_REQUEST for a WebSocket handshake that is none.
 */
export function upgradeOf(head: RequestHead, rule: ExposeRule): Upgrade | undefined {
  if (!head.upgrade) return undefined
  const protocol = fieldValue(head.fields, 'upgrade')?.toLowerCase() ?? ''
  if (!rule.upgrades.includes(protocol)) throw new PosternError('UPGRADE_REFUSED', 'no rule names the protocol')
  return { protocol, accept: protocol === 'websocket' ? webSocketAccept(head) : undefined }
}

function webSocketAccept({ fields, method }: RequestHead): string {
  const asked = fieldValue(fields, 'sec-websocket-key') ?? ''
  const version = fieldValue(fields, 'sec-websocket-version') ?? ''
  if (method !== 'GET' || !key.test(asked) || !/^\d{1,3}$/.test(version))
    throw new PosternError('MALFORMED_REQUEST', 'no WebSocket handshake')
  return createHash('sha1').update(`${asked}${guid}`).digest('base64')
}

/** Whether an answer of status 101 switches to what was asked for: RFC 9110 section 15.2.2, RFC 6455 section 4.1. */
export function switchesTo({ accept, protocol }: Upgrade, fields: FieldLines): boolean {
  if (fieldValue(fields, 'upgrade')?.toLowerCase() !== protocol) return false
  return accept === undefined || fieldValue(fields, 'sec-websocket-accept') === accept
}
