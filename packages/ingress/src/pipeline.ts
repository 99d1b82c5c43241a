import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  Connections,
  Deadlines,
  type ExchangeFailureCode,
  type Log,
  type Meter,
  Networks,
  type RequestHead,
  type ServiceName,
  type Trunks,
} from '@postern/protocol'
import { Admission } from './admission.ts'
import { type ArrivalRules, arrivalOf } from './arrival.ts'
import { Call } from './call.ts'
import type { CallTools } from './call-tools.ts'
import type { Client } from './client.ts'
import { requestFields } from './headers.ts'
import { type Listener, listen, type Sharing } from './listener.ts'
import { pipeliningOf } from './pipelining.ts'
import { problemOf } from './problem.ts'
import { endWith, rawAnswer } from './raw-answer.ts'
import { RouteTable } from './routes.ts'
import type { IngressConfig, RouteConfig } from './schema.ts'
import { TrunkTable } from './trunk-table.ts'
import { Upgrade } from './upgrade.ts'
import { hasNoContent, protocolOf } from './upgrade-protocol.ts'

export interface IngressInit {
  readonly config: IngressConfig
  readonly trunks: Trunks
  readonly log: Log
  readonly meter: Meter
  /** Whether other threads listen at the same addresses; they do not unless said otherwise. */
  readonly sharing?: Sharing
}

/** Where clients arrive. */
export interface Ingress {
  readonly urls: readonly string[]
  /** Requests under way. */
  readonly requests: number
  /** Takes no further connection; what is under way goes on. */
  drain(): void
  close(): Promise<void>
}

/** Services that an ingress calls. */
export function servicesOf(config: IngressConfig): ServiceName[] {
  return [...new Set(config.routes.map((route) => route.service))]
}

/**
 * The life of a request here: accept it, find its route, put its head into the mesh's form, and let a call carry it.
 * Throws what `listen` throws; then nothing listens.
 */
export async function startIngress(init: IngressInit): Promise<Ingress> {
  const { config, log, meter, sharing } = init
  const deadlines = new Deadlines()
  const trusted = new Networks(config.trustedProxies)
  const rules: ArrivalRules = { encodeQuery: config.encodeQuery, forwardedField: config.forwardedField, trusted }
  const { connections, connectionsPerAddress } = config.limits
  const crowd = new Connections({ connections, perKey: connectionsPerAddress }, (reason) =>
    meter.count('connections_evicted', reason),
  )
  /** Of connections that are no requests yet. */
  const opening = new Deadlines()
  const routes = new RouteTable(config.routes)
  const tools: CallTools = {
    admission: new Admission(config.limits),
    content: config.limits,
    deadlines,
    log,
    meter,
    table: new TrunkTable(init.trunks, config.limits.bufferBytes, log, meter),
    idleMs: config.limits.idleMs,
    serverTiming: config.serverTiming,
    requestId: config.requestId,
  }
  const refuse = (code: ExchangeFailureCode, requestId: string) => {
    meter.count('requests_refused', code)
    log.info('request refused', { requestId, code })
    return problemOf(code, requestId)
  }
  const events = {
    request(request: IncomingMessage, response: ServerResponse) {
      const accepted = accept(request, rules, routes, false)
      if ('route' in accepted) {
        const { client, head, route } = accepted
        const pipelining = pipeliningOf(request.socket, config.limits.exchangesPerConnection)
        pipelining.enter(new Call({ request, response, head, route, client: client.key, pipelining }, tools))
        return
      }
      const { status, fields, body } = refuse(accepted.code, randomUUID())
      if (accepted.code === 'MALFORMED_REQUEST') response.shouldKeepAlive = false
      response.writeHead(status, fields)
      response.end(request.method === 'HEAD' ? undefined : body)
      request.resume()
    },
    upgrade(request: IncomingMessage, _socket: unknown, early: Buffer) {
      const accepted = accept(request, rules, routes, true)
      const turnAway = (code: ExchangeFailureCode) => {
        endWith(request.socket, rawAnswer(refuse(code, randomUUID())))
      }
      if (!('route' in accepted)) return turnAway(accepted.code)
      const asking = { client: accepted.client.key, service: accepted.head.service, upgrade: true }
      const refused = tools.admission.enter(asking)
      if (refused !== undefined) return turnAway(refused)
      request.socket.once('close', () => tools.admission.leave(asking))
      new Upgrade(request, early, accepted.head, accepted.route, tools).start()
    },
    malformed(code: ExchangeFailureCode, socket: Socket) {
      endWith(socket, rawAnswer(refuse(code, randomUUID())))
    },
  }

  const listeners: Listener[] = []
  try {
    for (const each of config.listen)
      listeners.push(
        await listen(each, {
          limits: config.limits,
          events,
          sharing,
          connections: crowd,
          deadlines: opening,
          trusted,
          meter,
        }),
      )
  } catch (error) {
    for (const listener of listeners) await listener.close()
    throw error
  }
  return {
    urls: listeners.map(({ url }) => url),
    get requests() {
      return deadlines.size
    },
    drain() {
      for (const listener of listeners) listener.drain()
    },
    async close() {
      deadlines.stop()
      opening.stop()
      await Promise.all(listeners.map((listener) => listener.close()))
    },
  }
}

type Accepted =
  | { readonly head: RequestHead; readonly route: RouteConfig; readonly client: Client }
  | { readonly code: ExchangeFailureCode }

/** A request in the mesh's form, with the route it takes; or the code of what is wrong with it. */
function accept(request: IncomingMessage, rules: ArrivalRules, routes: RouteTable, upgrade: boolean): Accepted {
  const { method = '' } = request
  if (method === 'CONNECT' || method === 'TRACE') return { code: 'METHOD_UNSUPPORTED' }
  const arrival = arrivalOf(request, rules)
  if (arrival === undefined) return { code: 'MALFORMED_REQUEST' }
  const { authority, client, scheme, target } = arrival
  const route = routes.find(arrival.host, target)
  if (route === undefined) return { code: 'ROUTE_UNKNOWN' }
  const head: RequestHead = {
    service: route.service,
    method,
    scheme,
    authority,
    target,
    upgrade,
    fields: requestFields(
      request.rawHeaders,
      { client: client.address, scheme, authority },
      upgrade ? protocolOf(request) : undefined,
    ),
    end: !upgrade && hasNoContent(request.headers),
    context: {
      requestId: randomUUID(),
      client: client.address,
      trace: '',
      subject: '',
      authentication: '',
      scopes: '',
      budgetMs: route.answerMs,
    },
  }
  return { head, route, client }
}
