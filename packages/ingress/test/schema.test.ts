import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingressSchema } from '../src/schema.ts'

const good = { listen: [{ url: 'http://127.0.0.1:8080' }], routes: [{ service: 'billing' }] }
const tls = { cert: 'cert.pem', key: 'key.pem' }

/** Paths of what is wrong with the config of an ingress. */
function wrong(change: object): string[] {
  const { error } = ingressSchema.safeParse({ ...good, ...change })
  return [...new Set(error?.issues.map(({ path }) => path.join('.')))]
}

test('an ingress needs no more than where to listen and a route', () => {
  assert.deepEqual(wrong({}), [])
  assert.deepEqual(ingressSchema.parse(good).routes, [{ host: '*', path: '/', service: 'billing', answerMs: 60_000 }])
  assert.deepEqual(wrong({ listen: [] }), ['listen'])
  assert.deepEqual(wrong({ routes: [] }), ['routes'])
})

test('what is no URL to listen on is refused', () => {
  for (const url of ['127.0.0.1:8080', ':8080', 'localhost:8080', 'tcp://127.0.0.1:8080', 'http://127.0.0.1/path', ''])
    assert.deepEqual(wrong({ listen: [{ url }] }), ['listen.0.url'], url)
})

test('https needs a certificate, and http takes none', () => {
  assert.deepEqual(wrong({ listen: [{ url: 'https://127.0.0.1:8443', tls }] }), [])
  assert.deepEqual(wrong({ listen: [{ url: 'https://127.0.0.1:8443' }] }), ['listen.0'])
  assert.deepEqual(wrong({ listen: [{ url: 'http://127.0.0.1:8080', tls }] }), ['listen.0'])
})

test('a route names a host as requests can have it, a path and a service', () => {
  for (const host of ['*', 'api.example.com', '*.example.com', 'localhost', '[2001:db8::1]', '192.0.2.1'])
    assert.deepEqual(wrong({ routes: [{ host, service: 'a' }] }), [], host)
  for (const host of [
    'API.example.com',
    'api.example.com:80',
    'a.*.com',
    '*example.com',
    'http://a',
    '',
    'a..b',
    'a.',
    '.a',
    '[2001:db8:0::1]',
    '[::1',
    '*.[::1]',
    '1.2.3',
    '*.',
    '*.*.a',
    'a%41',
  ])
    assert.deepEqual(wrong({ routes: [{ host, service: 'a' }] }), ['routes.0.host'], host)
  for (const path of ['v1', '/v1?x', '/v1#x', '/caf\xe9', '/a b'])
    assert.deepEqual(wrong({ routes: [{ path, service: 'a' }] }), ['routes.0.path'], path)
  assert.deepEqual(wrong({ routes: [{ service: 'A.b' }] }), ['routes.0.service'])
  assert.deepEqual(wrong({ routes: [{ service: 'a', host_: 'b' }] }), ['routes.0'])
})

test('the path has one to three relays, and no limit is nothing', () => {
  for (const relays of [1, 2, 3]) assert.deepEqual(wrong({ path: { relays } }), [])
  for (const relays of [0, 4, 1.5, '2']) assert.deepEqual(wrong({ path: { relays } }), ['path.relays'])
  for (const limit of [
    'connections',
    'connectionsPerAddress',
    'handshakeMs',
    'headBytes',
    'headMs',
    'idleMs',
    'keepAliveMs',
  ])
    assert.deepEqual(wrong({ limits: { [limit]: 0 } }), [`limits.${limit}`])
})

test('trusted proxies are networks, and PROXY headers are believed of them alone', () => {
  assert.deepEqual(wrong({ trustedProxies: ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1'] }), [])
  for (const network of ['10.0.0.1/8', 'balancer.example.com', '10.0.0.0/33', '*', ''])
    assert.deepEqual(wrong({ trustedProxies: [network] }), ['trustedProxies.0'], network)
  const listen = [{ url: 'http://127.0.0.1:8080', proxyProtocol: true }]
  assert.deepEqual(wrong({ listen }), ['listen.0.proxyProtocol'])
  assert.deepEqual(wrong({ listen, trustedProxies: ['10.0.0.0/8'] }), [])
  assert.deepEqual(wrong({ forwardedField: 'x-real-ip' }), ['forwardedField'])
})
