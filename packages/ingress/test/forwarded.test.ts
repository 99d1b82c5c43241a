import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Networks } from '@postern/protocol'
import { toldBy } from '../src/forwarded.ts'

const trusted = new Networks(['10.0.0.0/8', '2001:db8:ffff::/48'])

function byList(forwardedFor: string | undefined, proto?: string) {
  const lines = [
    ...(forwardedFor === undefined ? [] : ['X-Forwarded-For', forwardedFor]),
    ...(proto === undefined ? [] : ['X-Forwarded-Proto', proto]),
  ]
  return toldBy(lines, 'x-forwarded-for', trusted)
}

test('a list of addresses is read from its end, as far as trusted proxies have written it', () => {
  for (const [list, address] of [
    ['192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7, 10.1.1.1', '192.0.2.7'],
    ['192.0.2.7,10.1.1.1 ,  2001:db8:ffff::1', '192.0.2.7'],
    ['10.0.0.9, 10.1.1.1', '10.0.0.9'],
    ['2001:db8::7, 10.1.1.1', '2001:db8::7'],
    ['192.0.2.7:40000', '192.0.2.7'],
    ['[2001:db8::7]:40000, [2001:db8:ffff::1]', '2001:db8::7'],
    ['192.0.2.7, unknown, 10.1.1.1', '10.1.1.1'],
    ['192.0.2.7, ', undefined],
    ['unknown', undefined],
    ['192.0.2.7 10.1.1.1', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    assert.equal(byList(list).address, address, list ?? 'none')
})

test('lines of one name are one list, and what a client has sent before it changes nothing', () => {
  const lines = ['X-Forwarded-For', '203.0.113.9', 'Accept', '*/*', 'x-forwarded-for', '192.0.2.7, 10.1.1.1']
  assert.equal(toldBy(lines, 'x-forwarded-for', trusted).address, '192.0.2.7')
  const other = ['Forwarded', 'for=203.0.113.9', ...lines]
  assert.equal(toldBy(other, 'x-forwarded-for', trusted).address, '192.0.2.7')
  assert.equal(toldBy(other, 'forwarded', trusted).address, '203.0.113.9')
})

test('a list without end is not followed without end', () => {
  const long = `192.0.2.7, ${'10.1.1.1, '.repeat(5000)}10.1.1.1`
  assert.equal(byList(long).address, '10.1.1.1')
})

test('the scheme is that of the client, where proxies tell it one by one or pass one on', () => {
  for (const [list, proto, scheme] of [
    ['192.0.2.7', 'https', 'https'],
    ['192.0.2.7', 'HTTP', 'http'],
    ['192.0.2.7, 10.1.1.1', 'https, http', 'https'],
    ['192.0.2.7, 10.1.1.1', 'https', 'https'],
    ['203.0.113.9, 192.0.2.7', 'https, http', 'http'],
    ['192.0.2.7', 'ws', undefined],
    ['192.0.2.7', undefined, undefined],
  ] as const)
    assert.equal(byList(list, proto).scheme, scheme, `${list} ${proto}`)
})

test('Forwarded is read the same way, element by element', () => {
  for (const [value, address, scheme] of [
    ['for=192.0.2.7;proto=https;by=10.1.1.1', '192.0.2.7', 'https'],
    ['For="[2001:db8::7]:4711";Proto=http', '2001:db8::7', 'http'],
    ['for=203.0.113.9, for=192.0.2.7;proto=https, for=10.1.1.1;proto=http', '192.0.2.7', 'https'],
    ['for=_hidden;proto=https', undefined, 'https'],
    ['for=192.0.2.7, for=unknown', undefined, undefined],
    ['for=192.0.2.7;for=192.0.2.8', undefined, undefined],
    ['for="192.0.2.7', undefined, undefined],
    ['host=h', undefined, undefined],
  ] as const)
    assert.deepEqual(toldBy(['Forwarded', value], 'forwarded', trusted), { address, scheme }, value)
})
