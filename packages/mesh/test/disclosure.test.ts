import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Credential, overlap, type Role } from '@postern/protocol'
import { names } from '../src/link/disclosure.ts'

function member(role: Role | 'invited', ...services: readonly string[]): Credential {
  const common = { mesh: 'm', peer: role, name: role, id: role, signer: 'k', notBeforeMs: 0, expiresMs: 1 }
  return { ...common, roles: role === 'invited' ? [] : [role], services }
}

test('services are named by an egress to an ingress, and by an ingress to an egress that may offer one of them', () => {
  const egress = member('egress', 'billing', 'shop-*')
  const ingress = member('ingress', 'bill*')
  const others = [member('relay'), member('authority'), member('invited')]
  assert.ok(names(egress, ingress, true))
  assert.ok(names(ingress, egress, false))
  assert.equal(names(member('ingress', 'stock'), egress, false), false, 'it may call nothing of what is offered')
  assert.equal(names(ingress, member('egress'), false), false, 'it has named nothing')
  for (const other of [...others, egress]) assert.equal(names(egress, other, true), false, other.name)
  for (const other of [...others, ingress]) assert.equal(names(ingress, other, false), false, other.name)
  // Who comes to an ingress, and whom an egress calls, as to renew, is told nothing.
  assert.equal(names(ingress, egress, true), false)
  assert.equal(names(egress, ingress, false), false)
})

test('patterns meet where some service is covered by both', () => {
  const cases: ReadonlyArray<readonly [string, string, boolean]> = [
    ['api', 'api', true],
    ['api', 'apis', false],
    ['*', 'api', true],
    ['*', '*', true],
    ['api*', 'api', true],
    ['api-*', 'api', false],
    ['api-*', 'api-v1*', true],
    ['api-v1*', 'api-v2*', false],
    ['ap*', 'api-*', true],
  ]
  for (const [one, other, meet] of cases) {
    assert.equal(overlap([one], [other]), meet, `${one} ${other}`)
    assert.equal(overlap(['x', other], [one]), meet, `${other} ${one}`)
  }
  assert.equal(overlap([], ['*']), false)
})
