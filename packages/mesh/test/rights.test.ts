import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Credential, Role } from '@postern/protocol'
import { rightsOf } from '../src/rights.ts'

const given: Credential = {
  mesh: 'm',
  peer: 'p',
  name: 'n',
  roles: [],
  services: ['*'],
  id: 'i',
  signer: 'k',
  notBeforeMs: 0,
  expiresMs: 1,
}

/** A role and its rights in the words of docs/membership.md. */
function saidOf(role: string): string[] {
  const { circuits, directory, lookup, registers } = rightsOf({
    ...given,
    roles: role === 'invited' ? [] : [role as Role],
  })
  return [
    role,
    circuits === Number.POSITIVE_INFINITY ? 'yes' : 'a few',
    lookup ? 'yes' : 'no',
    { '': 'no', service: 'services', authority: 'the authority' }[registers.join()] ?? registers.join(),
    directory ? 'yes' : 'no',
  ]
}

test('a relay does for each role what the page on membership says, and nothing for a stranger', () => {
  const page = readFileSync(new URL('../../../docs/membership.md', import.meta.url), 'utf8')
  const [, , ...rows] = page.slice(page.indexOf('| neighbour |')).split('\n\n', 1)[0]?.split('\n') ?? []
  const cells = rows.map((row) => row.split('|').slice(1, -1))
  const said = cells.map((row) => row.map((cell) => cell.split(',')[0]?.trim()))
  const roles = ['relay', 'ingress', 'egress', 'authority', 'invited']
  assert.deepEqual(said, roles.map(saidOf))
  assert.deepEqual(rightsOf(undefined), { circuits: 0, lookup: false, registers: [], directory: false })
})
