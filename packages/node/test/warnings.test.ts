import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RelayStatus } from '@postern/mesh'
import type { Facts } from '../src/health/facts.ts'
import { isUnwell, keyOf, type WarningCode, warningRows, warningsOf } from '../src/health/registry.ts'

const nowMs = Date.UTC(2026, 10, 21)
const dayMs = 24 * 3600_000
const peer = '12D3KooWRelay'
const addresses = ['/dns4/relay.example.net/tcp/4001']

const credential = { notBeforeMs: nowMs - dayMs, expiresMs: nowMs + 90 * dayMs, dueMs: nowMs, revoked: false }
const of = (facts: Omit<Facts, 'nowMs'>): Facts => ({ nowMs, ...facts })
const failing = (code: string) => of({ failures: [{ code, message: 'it is so' }] })
const faulty = (fault: RelayStatus['fault'] & object) => of({ relays: [{ peer, addresses, linked: false, fault }] })
const backend = { service: 'api', origin: 'http://10.0.0.5:3000', up: true }
const noTrunk = { service: 'api', egresses: [] }

/** A node that is well, with every role and all that is known of one. */
const well = of({
  running: true,
  upMs: dayMs,
  credential,
  certificates: [{ file: 'cert.pem', expiresMs: nowMs + 31 * dayMs }],
  relays: [{ peer, addresses, linked: true }],
  guards: { chosen: 3, linked: 3, registered: 3 },
  entries: { chosen: 3, linked: 3 },
  pathRelays: 2,
  services: [{ service: 'api', egresses: [{ egress: 'e', guards: 3, trunks: 2 }] }],
  backends: [{ ...backend, clockAheadMs: 59_000 }],
  relay: { addresses, others: addresses, inbound: 4 },
  knocks: { missing: 3 },
  bulletin: { sequence: 7, heard: 7 },
  register: { unreadable: [] },
  freshness: { confirmedMs: nowMs - 1, staleMs: 1, strict: true },
})

/** For each way to be unwell, what is known when it is the case. */
const room = { services: {}, clients: 0, slow: 0, stalled: 0 }

const unwell: Readonly<Record<WarningCode, Facts>> = {
  CONFIG_INVALID: failing('CONFIG_INVALID'),
  FILE_MISSING: failing('FILE_MISSING'),
  FILE_UNREADABLE: failing('FILE_UNREADABLE'),
  FILE_UNWRITABLE: of({ unwritten: [{ file: 'guards.json', reason: 'the disk is full' }] }),
  LOG_UNWRITABLE: of({ log: { failure: 'ENOSPC', lost: 3 } }),
  KEY_TOO_OPEN: failing('KEY_TOO_OPEN'),
  KEY_INVALID: failing('KEY_INVALID'),
  MESH_INVALID: failing('MESH_INVALID'),
  CREDENTIAL_INVALID: failing('CREDENTIAL_INVALID'),
  CREDENTIAL_WRONG_MESH: failing('CREDENTIAL_WRONG_MESH'),
  CREDENTIAL_WRONG_PEER: failing('CREDENTIAL_WRONG_PEER'),
  CREDENTIAL_EARLY: of({ credential: { ...credential, notBeforeMs: nowMs + 1 } }),
  CREDENTIAL_EXPIRED: of({ credential: { ...credential, expiresMs: nowMs } }),
  CREDENTIAL_EXPIRING: of({
    credential: { ...credential, notBeforeMs: nowMs - 60 * dayMs, expiresMs: nowMs + 29 * dayMs, dueMs: 0 },
  }),
  CERTIFICATE_EXPIRING: of({ certificates: [{ file: 'cert.pem', expiresMs: nowMs - 1 }] }),
  CERTIFICATE_NOT_SERVED: of({
    certificates: [{ file: 'cert.pem', expiresMs: nowMs + 31 * dayMs, replaced: { expiresMs: nowMs + 90 * dayMs } }],
  }),
  CONFIG_CHANGED: of({ config: { file: 'postern.yaml', differs: ['drainMs is 1 in the node, 2 in the file'] } }),
  CREDENTIAL_REVOKED: of({ credential: { ...credential, revoked: true } }),
  CREDENTIAL_REFUSED: faulty({ kind: 'credential', code: 'CREDENTIAL_REFUSED', reason: '' }),
  CLOCK_OFF: of({ backends: [{ ...backend, clockAheadMs: -61_000 }] }),
  KNOCK_REFUSED: faulty({ kind: 'silent', reason: '' }),
  RELAY_UNREACHABLE: faulty({ kind: 'refused', reason: 'ECONNREFUSED' }),
  RELAY_NO_MEMBER: faulty({ kind: 'credential', code: 'CREDENTIAL_EXPIRED', reason: '' }),
  NO_RELAY: of({ reachable: { relays: 2, linked: 0 } }),
  FEW_RELAYS: of({ entries: { chosen: 1, linked: 1 }, pathRelays: 2, services: [noTrunk] }),
  NO_GUARD: of({ guards: { chosen: 3, linked: 1, registered: 0 } }),
  FEW_GUARDS: of({ guards: { chosen: 3, linked: 1, registered: 1 } }),
  NO_EGRESS: of({ services: [noTrunk] }),
  BACKEND_DOWN: of({ backends: [{ ...backend, up: false }] }),
  BACKEND_SILENT: of({ backends: [{ ...backend, silent: true }] }),
  SERVICE_BUSY: of({ refused: { ...room, services: { api: 3 } } }),
  CLIENTS_BUSY: of({ refused: { ...room, clients: 3 } }),
  CONNECTIONS_FULL: of({ closed: { refused: { late: 9 }, evicted: { ceiling: 1 } } }),
  PROXY_REFUSED: of({ closed: { refused: { proxy: 1 }, evicted: {} } }),
  ANSWERS_STALLED: of({ refused: { ...room, stalled: 3 } }),
  ADDRESS_IN_USE: failing('ADDRESS_IN_USE'),
  ADDRESS_TOO_NEAR: of({ relay: { addresses: ['/ip4/10.0.0.1/tcp/4001'], others: addresses, inbound: 1 } }),
  ADDRESS_UNHEARD: of({ listening: { listen: ['/ip4/0.0.0.0/tcp/4002'], announce: [], named: addresses } }),
  IDENTITY_TWICE: of({ twins: { own: true, peers: [] } }),
  RELAY_UNVISITED: of({ relay: { addresses, others: [], inbound: 0 }, upMs: dayMs }),
  KNOCKS_MANY: of({ knocks: { wrong: 15, missing: 5 } }),
  BULLETIN_BEHIND: of({ bulletin: { sequence: 1, heard: 2 } }),
  REGISTER_DAMAGED: of({ register: { unreadable: [3] } }),
  AUTHORITY_SILENT: of({ freshness: { confirmedMs: nowMs - 2, staleMs: 1, strict: false } }),
  BULLETIN_WITHHELD: of({
    bulletin: { sequence: 2, heard: 2, withheld: { sequence: 2, relays: [peer], atMs: nowMs } },
  }),
  NOT_RUNNING: of({ running: false }),
  NODE_SILENT: failing('NODE_SILENT'),
}

const codesOf = (facts: Facts) => warningsOf(facts).map(({ code }) => code)

test('where there was room for all, nothing is said of it', () => {
  assert.deepEqual(warningsOf(of({ refused: room })), [])
})

test('a node that is well has no warning, and neither has one of which nothing is known', () => {
  assert.deepEqual(warningsOf(well), [])
  assert.deepEqual(warningsOf({ nowMs }), [])
})

test('every way to be unwell is found by itself, with what, why and what to do', () => {
  assert.deepEqual(Object.keys(unwell), Object.keys(warningRows))
  for (const [code, facts] of Object.entries(unwell)) {
    const [first, ...others] = warningsOf(facts)
    assert.equal(first?.code, code)
    assert.deepEqual(others, [], code)
    assert.match(first.title, /^[A-Z].*\.$/, code)
    for (const said of [first.cause, first.remedy]) assert.ok(said.length > 0, code)
    for (const said of [first.title, first.cause, first.remedy])
      assert.doesNotMatch(said, /undefined|NaN|\[object/, code)
  }
})

test('what a failure itself says of the remedy is more to the point than the registry', () => {
  const remedy = 'chmod 600 state/node.key'
  const [found] = warningsOf(of({ failures: [{ code: 'KEY_TOO_OPEN', message: 'mode 644', remedy }] }))
  assert.deepEqual([found?.cause, found?.remedy], ['mode 644', remedy])
})

test('the end of a credential is spoken of from 30 days on, and gravely on the last', () => {
  const severityAt = (days: number) =>
    warningsOf(of({ credential: { ...lasting(90, days), failure: 'NO_AUTHORITY' } })).map(
      ({ code, severity }) => `${code} ${severity}`,
    )
  assert.deepEqual([31, 30.1].flatMap(severityAt), [])
  for (const [days, severity] of [
    [30, 'info'],
    [7.1, 'info'],
    [7, 'warning'],
    [1.1, 'warning'],
    [1, 'error'],
    [0.001, 'error'],
  ] as const)
    assert.deepEqual(severityAt(days), [`CREDENTIAL_EXPIRING ${severity}`])
  assert.deepEqual(severityAt(0), ['CREDENTIAL_EXPIRED error'])
})

/** A credential of a life of so many days, of which so many are left. */
function lasting(life: number, left: number) {
  const expiresMs = nowMs + left * dayMs
  return { notBeforeMs: expiresMs - life * dayMs, expiresMs, dueMs: expiresMs - (life * dayMs) / 3, revoked: false }
}

test('one of a week is not spoken of while it is renewed in time, and gravely when a few hours are left', () => {
  const severityAt = (hours: number, failure?: 'NO_AUTHORITY') =>
    warningsOf(of({ credential: { ...lasting(7, hours / 24), ...(failure && { failure }) } })).map(
      ({ severity }) => severity,
    )
  assert.deepEqual(
    [7 * 24, 100, 57, 56].flatMap((hours) => severityAt(hours)),
    [],
  )
  assert.deepEqual(
    [56, 29].flatMap((hours) => severityAt(hours, 'NO_AUTHORITY')),
    ['info', 'info'],
  )
  assert.deepEqual(
    [28, 9].flatMap((hours) => severityAt(hours)),
    ['warning', 'warning'],
  )
  assert.deepEqual(
    [8, 1].flatMap((hours) => severityAt(hours)),
    ['error', 'error'],
  )
})

test('a credential that is renewed in time is not spoken of; one that was not says why', () => {
  const soon = lasting(90, 1)
  assert.deepEqual(warningsOf(of({ credential: { ...soon, dueMs: nowMs + 1 } })), [])
  const [late] = warningsOf(of({ credential: { ...soon, failure: 'NO_AUTHORITY' } }))
  assert.match(late?.cause ?? '', /not renewed: NO_AUTHORITY/)
})

test('a clock that is off is told by a backend, and by members who knock with another time', () => {
  const causeOf = (clockAheadMs: number) => warningsOf(of({ backends: [{ ...backend, clockAheadMs }] }))[0]?.cause
  assert.equal(causeOf(60_000), undefined)
  assert.match(causeOf(300_000) ?? '', /this host is 5 minutes behind that of the backend http:/)
  assert.match(causeOf(-300_000) ?? '', /5 minutes ahead of/)
  assert.deepEqual(codesOf(of({ knocks: { late: 1 } })), ['CLOCK_OFF'])
  assert.deepEqual(codesOf(of({ knocks: { late: 100 } })), ['CLOCK_OFF'])
})

test('each fault of the way to a relay has a cause and a remedy of its own', () => {
  const kinds = ['dns', 'refused', 'unreachable', 'timeout', 'broken'] as const
  const found = kinds.flatMap((kind) => warningsOf(faulty({ kind, reason: 'because' })))
  assert.deepEqual(new Set(found.map(({ code }) => code)), new Set(['RELAY_UNREACHABLE']))
  for (const said of ['cause', 'remedy'] as const)
    assert.equal(new Set(found.map((each) => each[said])).size, kinds.length)
  for (const { about, cause } of found) {
    assert.equal(about, peer)
    assert.ok(cause.includes('because') && cause.includes(addresses[0] ?? '?'))
  }
})

test('one backend that is down is a warning, the last of its service an error', () => {
  const down = { ...backend, up: false }
  const other = { ...backend, origin: 'http://10.0.0.6:3000' }
  const severities = (...backends: NonNullable<Facts['backends']>) =>
    warningsOf(of({ backends })).map((w) => w.severity)
  assert.deepEqual(severities(down, other), ['warning'])
  assert.deepEqual(severities(down, { ...other, service: 'other' }), ['error'])
  assert.deepEqual(severities(down, { ...other, up: false }), ['error', 'error'])
})

test('what follows from another is not said twice', () => {
  assert.deepEqual(codesOf(of({ entries: { chosen: 0, linked: 0 }, pathRelays: 2, services: [noTrunk] })), ['NO_RELAY'])
})

test('a relay is told of addresses that are nearer than those of the others', () => {
  const told = (own: readonly string[], others: readonly string[]) =>
    codesOf(of({ relay: { addresses: own, others, inbound: 1 } })).length > 0
  const here = '/ip4/127.0.0.1/tcp/1'
  const lan = ['/ip4/192.168.1.2/tcp/1', '/ip4/172.31.0.1/tcp/1', '/ip4/100.100.1.1/tcp/1', '/ip6/fd00::1/tcp/1']
  const far = ['/ip4/203.0.113.5/tcp/1', '/ip4/172.32.0.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/dns4/relay.example/tcp/1']
  for (const address of lan) {
    assert.ok(told([here], [address]), address)
    assert.ok(told([here, address], far), address)
    assert.ok(!told([address], [here]), address)
  }
  for (const address of far) {
    assert.ok(told(['/dns4/localhost/tcp/1'], [address]), address)
    assert.ok(!told([here, address], far), address)
  }
  assert.ok(!told([here], [here]))
  assert.ok(!told([here], []))
})

test('the gravest comes first, and what is no more than an info calls for nobody', () => {
  const both = of({ guards: { chosen: 1, linked: 1, registered: 1 }, backends: [{ ...backend, up: false }] })
  assert.deepEqual(codesOf(both), ['BACKEND_DOWN', 'FEW_GUARDS'])
  assert.equal(isUnwell(warningsOf(both)), true)
  assert.equal(isUnwell(warningsOf(unwell.FEW_GUARDS)), false)
  const two = warningsOf(of({ services: [noTrunk, { ...noTrunk, service: 'billing' }] }))
  assert.equal(new Set(two.map(keyOf)).size, 2)
})
