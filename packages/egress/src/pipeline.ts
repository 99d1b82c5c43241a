import { BufferBudget, type Incoming, type RequestListener, Responder } from '@postern/exchange'
import {
  type Caller,
  type Clock,
  Deadlines,
  exchangeFailureOf,
  type Log,
  type Meter,
  type Offer,
  type Pipe,
  type RequestHead,
} from '@postern/protocol'
import { authorize } from './authorize.ts'
import type { EgressConfig } from './schema.ts'
import { Sending } from './sending.ts'
import { Service } from './service.ts'

export interface EgressInit {
  readonly config: EgressConfig
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

/** The side of the mesh that stands beside the backend. */
export interface Egress extends Offer {
  /** Exchanges under way. */
  readonly exchanges: number
  describe(): Array<{ service: string; backends: Array<{ origin: string; up: boolean }> }>
  /** Takes no further exchange on any trunk; what is under way goes on. */
  drain(): void
  close(): Promise<void>
}

/** The life of a request here: authorize its ingress and itself, choose a backend, send it on, send the answer back. */
export function createEgress(init: EgressInit): Egress {
  const { clock, config, log, meter } = init
  const deadlines = new Deadlines()
  const services = new Map(
    Object.entries(config.services).map(([name, each]) => [name, new Service(name, each, clock, deadlines)]),
  )
  const tools = { deadlines, log, meter }
  const buffers = new BufferBudget(config.bufferBytes, () => meter.count('exchanges_shed'))
  const responders = new Set<Responder>()
  const serve = (caller: Caller, exchange: Incoming, head: RequestHead): RequestListener => {
    try {
      const sending = new Sending(authorize(caller, head, services), exchange, tools)
      sending.start()
      return sending
    } catch (error) {
      const code = exchangeFailureOf(error)
      meter.count('exchanges_refused', code)
      log.info('exchange refused', {
        requestId: head.context.requestId,
        service: head.service,
        peer: caller.peer,
        code,
      })
      exchange.reset(code)
      return deaf
    }
  }
  return {
    services: [...services.keys()],
    get exchanges() {
      return [...responders].reduce((sum, responder) => sum + responder.size, 0)
    },
    describe: () => [...services.values()].map((service) => ({ service: service.name, backends: service.describe() })),
    accept(pipe: Pipe, caller: Caller) {
      const responder = new Responder(pipe, {
        buffers,
        accept: (exchange, head) => serve(caller, exchange, head),
        violation: (detail) => {
          meter.count('trunk_violations')
          log.warn('trunk violated', { peer: caller.peer, code: 'PROTOCOL_VIOLATION', detail })
        },
      })
      responders.add(responder)
      void responder.closed.then(() => responders.delete(responder))
    },
    drain() {
      for (const responder of responders) responder.drain()
    },
    async close() {
      deadlines.stop()
      for (const responder of responders) responder.close()
      for (const service of services.values()) service.close()
    },
  }
}

/** Hears nothing: the exchange is over. */
const deaf: RequestListener = { body() {}, end() {}, reset() {}, writable() {} }
