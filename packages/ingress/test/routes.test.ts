import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAuthority } from '@postern/protocol'
import { RouteTable } from '../src/routes.ts'
import { ingressSchema } from '../src/schema.ts'

type Route = { readonly host?: string; readonly path?: string; readonly service: string }

function tableOf(routes: readonly Route[]): RouteTable {
  return new RouteTable(ingressSchema.parse({ listen: [{ url: 'http://127.0.0.1:0' }], routes }).routes)
}

function finds(routes: readonly Route[]): (authority: string, target: string) => string | undefined {
  const table = tableOf(routes)
  return (authority, target) => table.find(readAuthority(authority)?.host ?? '', target)?.service
}

test('the most specific host that has a route for the path wins', () => {
  const find = finds([
    { host: '*', service: 'any' },
    { host: '*.example.com', service: 'sub' },
    { host: '*.eu.example.com', service: 'sub-eu' },
    { host: 'a.eu.example.com', service: 'exact' },
  ])
  assert.equal(find('a.eu.example.com', '/'), 'exact')
  assert.equal(find('b.eu.example.com', '/'), 'sub-eu')
  assert.equal(find('x.y.eu.example.com', '/'), 'sub-eu')
  assert.equal(find('us.example.com', '/'), 'sub')
  assert.equal(find('example.com', '/'), 'any')
  assert.equal(find('notexample.com', '/'), 'any')
  assert.equal(find('', '/'), 'any')
})

test('a host without a route for the path leaves it to a less specific one', () => {
  const find = finds([
    { host: 'a.example.com', path: '/v1', service: 'exact' },
    { host: '*.example.com', path: '/v2', service: 'sub' },
    { host: '*', path: '/v3', service: 'any' },
  ])
  assert.equal(find('a.example.com', '/v1'), 'exact')
  assert.equal(find('a.example.com', '/v2'), 'sub')
  assert.equal(find('a.example.com', '/v3'), 'any')
  assert.equal(find('a.example.com', '/v4'), undefined)
})

test('a domain wildcard stands for its subdomains, not for the domain', () => {
  const find = finds([{ host: '*.example.com', service: 'sub' }])
  assert.equal(find('a.example.com', '/'), 'sub')
  assert.equal(find('a.b.example.com', '/'), 'sub')
  assert.equal(find('example.com', '/'), undefined)
  assert.equal(find('aexample.com', '/'), undefined)
  assert.equal(find('example.com.evil.net', '/'), undefined)
})

test('the longest path wins, by whole segments', () => {
  const find = finds([
    { path: '/', service: 'root' },
    { path: '/v1', service: 'v1' },
    { path: '/v1/orders/', service: 'orders' },
  ])
  for (const [target, service] of [
    ['/', 'root'],
    ['/v', 'root'],
    ['/v12', 'root'],
    ['/v1', 'v1'],
    ['/v1/', 'v1'],
    ['/v1?x=/v1/orders', 'v1'],
    ['/v1/order', 'v1'],
    ['/v1/ordersx', 'v1'],
    ['/v1/orders', 'orders'],
    ['/v1/orders/7/lines', 'orders'],
    ['/v1/orders?page=2', 'orders'],
    ['/V1', 'root'],
  ] as const)
    assert.equal(find('h', target), service, target)
})

test('a path that no route has is answered by none', () => {
  const find = finds([{ path: '/v1', service: 'v1' }])
  for (const target of ['/', '/v', '/v2/v1', '/?/v1']) assert.equal(find('h', target), undefined, target)
})

test('of two routes for the same host and path the first one counts', () => {
  const find = finds([
    { path: '/v1', service: 'first' },
    { path: '/v1/', service: 'second' },
  ])
  assert.equal(find('h', '/v1/x'), 'first')
})

test('the port and the case of a host do not matter', () => {
  const find = finds([
    { host: 'api.example.com', service: 'named' },
    { host: '[2001:db8::1]', service: 'six' },
  ])
  for (const authority of ['api.example.com', 'API.Example.COM', 'api.example.com:8443', 'Api.example.com:80'])
    assert.equal(find(authority, '/'), 'named', authority)
  for (const authority of ['[2001:db8::1]', '[2001:DB8::1]:8080', '[2001:db8:0:0::1]'])
    assert.equal(find(authority, '/'), 'six', authority)
})

test('each of 10 000 routes is found', () => {
  const routes = Array.from({ length: 10_000 }, (_, at) => ({
    host: `h${at % 100}.example.com`,
    path: `/p/${at}`,
    service: `s-${at}`,
  }))
  const many = finds(routes)
  for (const { host, path, service } of routes) assert.equal(many(host, `${path}/x?y`), service)
  assert.equal(many('h0.example.com', '/p/1'), undefined)
})
