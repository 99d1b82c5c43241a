import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fields, Log } from '@postern/protocol'
import { eventually, meshOf } from '@postern/test-kit'
import type { Facts } from '../src/health/facts.ts'
import { Health } from '../src/health/health.ts'
import { Recent } from '../src/health/recent.ts'
import { askAdmin } from './admin.ts'

const dayMs = 24 * 3600_000
const guards = { chosen: 3, linked: 3, registered: 3 }

/** A node whose facts the test sets, and what its log says: `level event CODE`. */
function watched() {
  const lines: string[] = []
  const at =
    (level: string) =>
    (event: string, { code }: Fields = {}) =>
      void lines.push(`${level} ${event} ${String(code)}`)
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const node: { facts: Facts } = { facts: { nowMs: 0 } }
  const health = new Health(() => node.facts, log)
  const look = (facts: Omit<Facts, 'nowMs'>) => {
    node.facts = { nowMs: 0, ...facts }
    health.look()
    return lines.splice(0)
  }
  return { health, look }
}

test('a warning is logged once when it appears, and once when it is over', () => {
  const { health, look } = watched()
  assert.deepEqual(look({ guards }), [])
  const lost = { guards: { ...guards, registered: 0 } }
  assert.deepEqual(look(lost), ['error warning NO_GUARD'])
  for (let times = 0; times < 5; times++) assert.deepEqual(look(lost), [])
  assert.deepEqual(
    health.warnings().map(({ code }) => code),
    ['NO_GUARD'],
  )
  assert.deepEqual(look({ guards: { ...guards, registered: 1 } }), [
    'info warning FEW_GUARDS',
    'info warning over NO_GUARD',
  ])
  assert.deepEqual(look({ guards }), ['info warning over FEW_GUARDS'])
  assert.deepEqual(look(lost), ['error warning NO_GUARD'])
})

test('a credential that expires is logged at 30, 7 and 1 days, and when it has', () => {
  const { look } = watched()
  const said: string[] = []
  for (let hours = 40 * 24; hours > -48; hours--) {
    const expiresMs = hours * 3600_000
    const times = { notBeforeMs: expiresMs - 90 * dayMs, expiresMs, dueMs: expiresMs - 30 * dayMs }
    const credential = { ...times, failure: 'NO_AUTHORITY', revoked: false } as const
    for (const line of look({ credential })) said.push(`${hours / 24} ${line}`)
  }
  assert.deepEqual(said, [
    '30 info warning CREDENTIAL_EXPIRING',
    '7 warn warning CREDENTIAL_EXPIRING',
    '1 error warning CREDENTIAL_EXPIRING',
    '0 error warning CREDENTIAL_EXPIRED',
    '0 info warning over CREDENTIAL_EXPIRING',
  ])
})

test('counts are those of the last minutes, by label', () => {
  const counts: Record<string, number> = { 'knocks_refused{late}': 1, other: 5 }
  const recent = new Recent(() => ({ ...counts }), 0)
  assert.deepEqual(recent.of('knocks_refused', 0), { late: 1 })
  counts['knocks_refused{wrong}'] = 2
  assert.deepEqual(recent.of('knocks_refused', 299_999), { late: 1, wrong: 2 })
  assert.deepEqual(recent.of('knocks_refused', 300_000), { late: 1, wrong: 2 })
  counts['knocks_refused{wrong}'] = 3
  assert.deepEqual(recent.of('knocks_refused', 600_000), { wrong: 1 })
  assert.deepEqual(recent.of('knocks_refused', 900_000), {})
})

test('a node that has lost its relays says so where its operator asks, and no longer when they are back', async () => {
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: ['http://127.0.0.1:9'] })
  const [ingress] = mesh.ingresses
  const [egress] = mesh.egresses
  const [first, second] = mesh.relays
  assert.ok(ingress && egress && first && second)
  const codesOf = async ({ node }: typeof ingress) => {
    const { value } = await askAdmin(node.parts.config.admin.socket, '/status')
    return (value['warnings'] as Array<{ code: string }>).map(({ code }) => code)
  }
  for (const each of [ingress, egress, first, second])
    await eventually(`${each.name} is well`, async () => (await codesOf(each)).length === 0)
  const listen = first.node.status().relay?.addresses.map((address) => address.replace(/\/p2p\/.*/, '')) ?? []
  await Promise.all([first.node.stop(), second.node.stop()])
  await eventually('the egress misses its guards', async () => {
    const codes = await codesOf(egress)
    return codes.includes('NO_GUARD') && codes.filter((code) => code === 'RELAY_UNREACHABLE').length === 2
  })
  await eventually('the ingress misses its entries', async () => (await codesOf(ingress)).includes('NO_RELAY'))
  const { relay } = first.config
  assert.ok(relay)
  await mesh.restart({ ...first, config: { ...first.config, relay: { ...relay, listen } } })
  await eventually('the egress has a guard', async () => !(await codesOf(egress)).includes('NO_GUARD'))
})
