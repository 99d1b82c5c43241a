import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileExposure, exposeSchema } from '../src/index.ts'

const passes = (rules: Array<{ methods: string[]; path: string }>, method: string, target: string) =>
  compileExposure(exposeSchema.parse(rules)).permit(method, target) !== undefined

test('what no rule names is not exposed', () => {
  const rules = [
    { methods: ['GET', 'HEAD'], path: '/v1/**' },
    { methods: ['POST'], path: '/v1/orders' },
    { methods: ['*'], path: '/users/*/photo' },
  ]
  for (const [method, target] of [
    ['GET', '/v1'],
    ['GET', '/v1/'],
    ['HEAD', '/v1/a/b?c=/d'],
    ['POST', '/v1/orders'],
    ['DELETE', '/users/7/photo'],
    ['GET', '/v1/%61'],
  ] as const)
    assert.ok(passes(rules, method, target), `${method} ${target}`)
  for (const [method, target] of [
    ['GET', '/'],
    ['GET', '/v2'],
    ['GET', '/v1x'],
    ['POST', '/v1/other'],
    ['post', '/v1/orders'],
    ['GET', '/users/7/8/photo'],
    ['GET', '/users//photo'],
    ['GET', '*'],
  ] as const)
    assert.ok(!passes(rules, method, target), `${method} ${target}`)
})

test('a path that a backend may read in two ways passes only a rule for everything', () => {
  const some = [{ methods: ['*'], path: '/v1/**' }]
  const all = [{ methods: ['*'], path: '/**' }]
  for (const target of [
    '/v1/../admin',
    '/v1/%2e%2e/admin',
    '/v1/..%2fadmin',
    '/v1/.%2E/admin',
    '/v1\\..\\admin',
    '/v1//admin',
    '/v1/;x/../admin',
    '/v1/%00',
    '/v1/%0d%0ax',
    '/v1/%7F',
    '/v1/%zz',
    '/v1/%252e%252e/admin',
    '/v1/a%3bx',
    '/v1/%c0%ae',
    '/v1/%E9',
    '/v1/x#.png',
    '/v1/\xe9',
    '/v1/"',
    '/v1/.',
  ]) {
    assert.ok(!passes(some, 'GET', target), target)
    assert.ok(passes(all, 'GET', target), target)
  }
})

test('a star in a path stands for one segment of at least one character', () => {
  const rules = [
    { methods: ['GET'], path: '/files/*/page' },
    { methods: ['GET'], path: '/*' },
  ]
  for (const target of ['/files/7/page', '/files/%20/page?x', '/a', '/files'])
    assert.ok(passes(rules, 'GET', target), target)
  for (const target of ['/files//page', '/files/7/8/page', '/files/page', '/files/7/page/', '/', '/?a', '/a/'])
    assert.ok(!passes(rules, 'GET', target), target)
})

test('what a rule names is what the target has there, not what it may be decoded to', () => {
  const rules = ['/v1/orders', '/caf%C3%A9', '/v1/*/lines'].map((path) => ({ methods: ['GET'], path }))
  for (const target of ['/v1/orders', '/caf%C3%A9', '/v1/%6Frders/lines'])
    assert.ok(passes(rules, 'GET', target), target)
  for (const target of ['/v1/%6Frders', '/v1/order%73', '/%761/orders', '/caf%c3%a9', '/v1/7/%6Cines', '/V1/orders'])
    assert.ok(!passes(rules, 'GET', target), target)
})

test('no target lets a request out of its prefix, as a browser would resolve it', () => {
  const some = [{ methods: ['*'], path: '/v1/**' }]
  const segment = fc.constantFrom('..', '.', '%2e%2e', '%2E.', 'a', 'v1', '', '%2f', ';', '..;')
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
      const target = `/v1/${segments.join('/')}`
      if (passes(some, 'GET', target)) assert.match(new URL(target, 'http://h').pathname, /^\/v1(\/|$)/)
    }),
  )
})

test('a rule names the fields that clients may set though they speak of where a request comes from', () => {
  const rules = exposeSchema.parse([
    { methods: ['GET'], path: '/a', fields: ['x-real-ip', 'user_id'] },
    { methods: ['GET'], path: '/b' },
  ])
  const dropped = (target: string) => {
    const permit = compileExposure(rules).permit('GET', target)
    return {
      fields: (name: string) => permit?.dropsField(name),
      trailers: (name: string) => permit?.dropsTrailer(name),
    }
  }
  for (const name of ['X-Real-IP', 'user_id']) {
    assert.deepEqual([dropped('/a').fields(name), dropped('/a').trailers(name)], [false, false], name)
    assert.deepEqual([dropped('/b').fields(name), dropped('/b').trailers(name)], [true, true], name)
  }
  for (const name of ['X-Original-URL', 'user_name', 'X_Forwarded_For'])
    assert.deepEqual([dropped('/a').fields(name), dropped('/a').trailers(name)], [true, true], name)
  for (const name of ['Forwarded', 'X-Forwarded-For', 'x-forwarded-proto', 'X-FORWARDED-HOST'])
    assert.deepEqual([dropped('/a').fields(name), dropped('/a').trailers(name)], [false, true], name)
  for (const name of ['forwarded', 'x-forwarded-for', 'x_forwarded_for', 'x-forwarded.proto', 'X-Real-IP', 'a b', ''])
    assert.equal(exposeSchema.safeParse([{ methods: ['GET'], path: '/', fields: [name] }]).success, false, name)
})

test('rules without methods, with an unknown key or a path that is none are refused', () => {
  for (const bad of [
    [],
    [{ path: '/' }],
    [{ methods: [], path: '/' }],
    [{ methods: ['get'], path: '/' }],
    [{ methods: ['GET'], path: 'x' }],
    [{ methods: ['GET'], path: '/**/x' }],
    ...[
      '/files/*.png',
      '/a*',
      '/a**',
      '/***',
      '/**x',
      '/a?b=c',
      '/a#b',
      '/a//b',
      '/a/../b',
      '/a;b',
      '/%2e%2e',
      '/%61',
    ].map((path) => [{ methods: ['GET'], path }]),
    ...['/a b', '/{id}', '/%zz', '/%2f', '/caf\xe9', '/%ff'].map((path) => [{ methods: ['GET'], path }]),
    [{ methods: ['GET'], path: '/', more: 1 }],
  ]) {
    assert.equal(exposeSchema.safeParse(bad).success, false, JSON.stringify(bad))
  }
})
