import assert from 'node:assert/strict'
import { test } from 'node:test'
import { egressSchema } from '../src/schema.ts'

const expose = [{ methods: ['GET'], path: '/**' }]
const good = { backends: ['http://10.0.0.5:3000'], expose }

/** Paths of what is wrong with a service. */
function wrong(service: unknown, name = 'billing'): string[] {
  const { error } = egressSchema.safeParse({ services: { [name]: service } })
  return [...new Set(error?.issues.map(({ path }) => path.join('.')))]
}

test('a service needs no more than a backend and what of it is exposed', () => {
  assert.deepEqual(wrong(good), [])
  assert.deepEqual(wrong({ ...good, backends: ['https://api.internal', 'http://[::1]:3000/'] }), [])
})

test('a service without backends, or that exposes nothing, is refused', () => {
  assert.deepEqual(wrong({ expose }), ['services.billing.backends'])
  assert.deepEqual(wrong({ backends: [], expose }), ['services.billing.backends'])
  assert.deepEqual(wrong({ backends: good.backends }), ['services.billing.expose'])
  assert.deepEqual(wrong({ ...good, expose: [] }), ['services.billing.expose'])
})

test('a backend is the origin of an HTTP API: what would be left unused is refused', () => {
  for (const url of [
    '10.0.0.5:3000',
    'ftp://10.0.0.5',
    'http://',
    'http://10.0.0.5/v1',
    'http://10.0.0.5/?a=b',
    'http://10.0.0.5/#part',
    'http://user:secret@10.0.0.5',
    '',
  ])
    assert.deepEqual(wrong({ ...good, backends: [url] }), ['services.billing.backends.0'], url)
})

test('a rule that names h2c, in whatever form, or no protocol is refused', () => {
  const naming = (...upgrades: readonly string[]) => ({ ...good, expose: [{ ...expose[0], upgrades }] })
  for (const name of ['h2c', 'h2c/2', 'H2C', '', 'a b', 'a, h2c'])
    assert.deepEqual(wrong(naming(name)), ['services.billing.expose.0.upgrades.0'], name)
  assert.deepEqual(wrong(naming('websocket', 'tcp', 'irc/6.9')), [])
})

test('unknown keys, names that are no DNS label and numbers out of bounds are refused', () => {
  assert.deepEqual(wrong({ ...good, backend: 'http://10.0.0.5' }), ['services.billing'])
  for (const name of ['Billing', 'a.b', '-a', 'a_b', '', 'a'.repeat(64)])
    assert.ok(wrong(good, name).length > 0, `${name} passes`)
  for (const [key, value] of [
    ['connections', 0],
    ['connections', 1.5],
    ['connectMs', -1],
    ['answerMs', '60'],
    ['idleMs', Number.POSITIVE_INFINITY],
  ] as const)
    assert.deepEqual(wrong({ ...good, [key]: value }), [`services.billing.${key}`])
})
