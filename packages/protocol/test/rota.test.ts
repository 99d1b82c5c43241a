import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EgressTrunks, nextTrunk, type Trunk } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'

const trunk = (egress: string, services: readonly string[]): Trunk => {
  const [pipe] = pipePair()
  return { egress, services, pipe, path: [egress], retire() {} }
}
const [a1, a2, b1] = [trunk('a', ['api']), trunk('a', ['api']), trunk('b', ['*'])]
const known = new Map<string, EgressTrunks>([
  ['a', { trunks: new Set([a1, a2]), turn: -1 }],
  ['b', { trunks: new Set([b1]), turn: -1 }],
])
const rota = { egresses: ['a', 'b', 'gone'], next: 0 }
const next = (service: string, ...not: Trunk[]) => nextTrunk(service, rota, (egress) => known.get(egress), new Set(not))

test('egresses are taken in turn, whatever the number of their trunks', () => {
  const taken = Array.from({ length: 12 }, () => next('api')?.egress)
  assert.ok(taken.filter((egress) => egress === 'b').length >= 4)
  assert.ok(taken.filter((egress) => egress === 'a').length >= 4)
})

test('a trunk that was tried is taken only where there is no other', () => {
  for (let times = 0; times < 6; times++) assert.equal(next('api', b1)?.egress, 'a')
  for (let times = 0; times < 6; times++) assert.equal(next('api', a1, b1), a2)
  assert.ok(next('api', a1, a2, b1))
})

test('a trunk is for the services that its egress may offer', () => {
  for (let times = 0; times < 6; times++) assert.equal(next('other'), b1)
  assert.equal(
    nextTrunk('other', { egresses: ['a'], next: 0 }, (egress) => known.get(egress), undefined),
    undefined,
  )
})
