import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import {
  type Caller,
  Deadlines,
  type ExchangeFailureCode,
  PosternError,
  type RequestHead,
  systemClock,
} from '@postern/protocol'
import { authorize } from '../src/authorize.ts'
import { egressSchema } from '../src/schema.ts'
import { Service } from '../src/service.ts'

const services = new Map<string, Service>()
beforeEach(() => {
  const { services: configs } = egressSchema.parse({
    services: {
      billing: { backends: ['http://10.0.0.5:3000'], expose: [{ methods: ['GET', 'HEAD'], path: '/v1/**' }] },
      orders: { backends: ['http://10.0.0.6:3000'], expose: [{ methods: ['*'], path: '/**' }] },
    },
  })
  for (const [name, config] of Object.entries(configs))
    services.set(name, new Service(name, config, systemClock, new Deadlines()))
})
afterEach(() => {
  for (const service of services.values()) service.close()
  services.clear()
})

function caller(...patterns: readonly string[]): Caller {
  return { peer: 'peer', name: 'ingress', services: patterns }
}

function head(service: string, method = 'GET', target = '/v1/invoices'): RequestHead {
  const context = { requestId: 'r', client: '', trace: '', subject: '', authentication: '', scopes: '', budgetMs: 0 }
  return { service, method, target, context, scheme: 'http', authority: 'h', fields: [], upgrade: false, end: true }
}

function refuses(code: ExchangeFailureCode, by: Caller, request: RequestHead): void {
  assert.throws(
    () => authorize(by, request, services),
    (error) => error instanceof PosternError && error.code === code,
    `${by.services.join()} ${request.service} ${request.method} ${request.target}`,
  )
}

test('an ingress that may call the service gets through to what the service exposes', () => {
  for (const patterns of [['billing'], ['*'], ['bill*'], ['other', 'billing']]) {
    const authorized = authorize(caller(...patterns), head('billing', 'GET', '/v1/invoices?page=2'), services)
    assert.equal(authorized.service.name, 'billing')
    assert.deepEqual(authorized.permit.rule, { methods: ['GET', 'HEAD'], path: '/v1/**', upgrades: ['websocket'] })
  }
})

test('an ingress whose credential does not cover the service is refused, whatever the service', () => {
  for (const patterns of [[], ['orders'], ['billin'], ['billing-*'], ['']])
    refuses('CALLER_REFUSED', caller(...patterns), head('billing'))
})

test('an ingress that may not call a service does not learn whether it is here', () => {
  refuses('CALLER_REFUSED', caller('billing'), head('nothing-here'))
  refuses('CALLER_REFUSED', caller('billing'), head('orders'))
})

test('a service that is not here is unknown, to those who may call it', () => {
  for (const name of ['nothing-here', '', 'BILLING', '__proto__', 'constructor'])
    refuses('ROUTE_UNKNOWN', caller('*'), head(name))
})

test('what the service does not expose is refused', () => {
  for (const [method, target] of [
    ['POST', '/v1/invoices'],
    ['get', '/v1/invoices'],
    ['GET', '/'],
    ['GET', '/v2'],
    ['GET', '/v1/../admin'],
    ['GET', '/v1/%2e%2e/admin'],
    ['OPTIONS', '*'],
  ] as const)
    refuses('NOT_EXPOSED', caller('billing'), head('billing', method, target))
})

test('what one service exposes says nothing about another', () => {
  assert.ok(authorize(caller('*'), head('orders', 'DELETE', '/any'), services).permit)
  refuses('NOT_EXPOSED', caller('*'), head('billing', 'DELETE', '/any'))
})
