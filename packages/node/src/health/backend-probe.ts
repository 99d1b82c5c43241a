import type { RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Clock, http, reasonOf } from '@postern/protocol'
import type { BackendFact } from './facts.ts'

export interface BackendOrder {
  readonly service: string
  readonly url: string
  readonly connectMs: number
  readonly clock: Clock
}

const answerMs = 5000

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known here',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'no way leads there from this host',
  ENETUNREACH: 'no way leads there from this host',
}

/**
 * Asks a backend for the head of `/`, over TLS where it is https, with its certificate checked as an egress does. Any
 * answer will do. Never throws.
 */
export function probeBackend({ clock, connectMs, service, url }: BackendOrder): Promise<BackendFact> {
  const { origin, protocol } = new URL(url)
  const options: RequestOptions = { method: 'HEAD', agent: false, headers: { 'user-agent': 'postern-doctor' } }
  return new Promise((resolve) => {
    let connected = false
    const asked = (protocol === 'https:' ? httpsRequest : http.request)(url, options)
    const late = (ms: number, what: string) => setTimeout(() => asked.destroy(new Error(`${what} within ${ms} ms`)), ms)
    let timer = late(connectMs, 'no connection')
    const finish = (fact: Omit<BackendFact, 'service' | 'origin'>) => {
      clearTimeout(timer)
      asked.destroy()
      resolve({ service, origin, ...fact })
    }
    asked.on('socket', (socket) =>
      socket.on(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true
        clearTimeout(timer)
        timer = setTimeout(() => finish({ up: true, silent: true }), answerMs)
      }),
    )
    asked.end()
    asked.on('response', ({ headers }) => {
      const aheadMs = Date.parse(headers.date ?? '') - clock.now()
      finish({ up: true, ...(Number.isFinite(aheadMs) && { clockAheadMs: aheadMs }) })
    })
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const reason = reasons[error.code ?? ''] ?? reasonOf(error)
      finish({ up: false, reason: connected ? `it takes a connection and answers with no HTTP (${reason})` : reason })
    })
  })
}
