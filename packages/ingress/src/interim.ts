import type { ServerResponse } from 'node:http'
import type { ResponseHead } from '@postern/protocol'
import { rawHead } from './raw-answer.ts'

/**
 * Passes on an interim response (RFC 9110 section 15.2): 100, 102 and 103; others say nothing a client waits for, and
 * one of HTTP/1.0 waits for none.
 */
export function interimTo(response: ServerResponse, { fields, status }: ResponseHead): void {
  if (response.headersSent || response.req.httpVersion === '1.0') return
  if (status === 100) response.writeContinue()
  if (status === 102) response.writeProcessing()
  // The writer of node:http throws at links in all forms but one. A response whose turn is yet to come has no socket.
  if (status === 103) response.socket?.write(rawHead(status, fields))
}
