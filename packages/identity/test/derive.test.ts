import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { recordLifeMs } from '@postern/protocol'
import { dayOf, daysAround, directoryKeyOf, lookupKeyOf, recordKeyOf, serviceIdOf } from '../src/index.ts'

const secret = Buffer.alloc(32, 1)
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

test('what a service is found by is derived as it always was', () => {
  const key = lookupKeyOf(secret, 'billing')
  assert.equal(key, '64c4bd11cb51192d5328a88896fecebdeb5cebca59fe0dbc9c618f68e1077aa4')
  assert.equal(serviceIdOf(key, 20_000), '5d4a309e20ee579219f646f1e6a671a35830a199cda261391c775b07b99ba787')
  assert.equal(
    recordKeyOf(key, 20_000).toString('hex'),
    '161a73176824b5c710ac022865b548d9892c11c8e1c2a068656b4d7f10febac7',
  )
  assert.equal(
    directoryKeyOf(serviceIdOf(key, 20_000)),
    'eac17eab567e5aab4ebc9f2ce981773e933e2dae69505aa244904d210088443e',
  )
})

test('what is known of a service on one day tells nothing of another, of its records, or of its id', () => {
  const key = lookupKeyOf(secret, 'billing')
  const id = serviceIdOf(key, 20_000)
  const known = [id, directoryKeyOf(id), secret.toString('hex')].map((hex) => Buffer.from(hex, 'hex'))
  const wanted = [
    recordKeyOf(key, 20_000).toString('hex'),
    ...[19_999, 20_001].flatMap((day) => [serviceIdOf(key, day), recordKeyOf(key, day).toString('hex')]),
  ]
  // What one who knows the derivations, but not the name, can make of what is known.
  const labels = ['id', 'record'].flatMap((use) => [19_999, 20_000, 20_001].map((day) => `postern ${use} 2 ${day}`))
  const made = new Set(
    known.flatMap((each) => [
      each.toString('hex'),
      createHash('sha256')
        .update(`postern directory 2 ${each.toString('hex')}`)
        .digest('hex'),
      ...labels.map((label) => createHmac('sha256', each).update(label).digest('hex')),
    ]),
  )
  assert.deepEqual(
    wanted.filter((each) => made.has(each)),
    [],
  )
  assert.equal(new Set([...wanted, ...known.map((each) => each.toString('hex'))]).size, wanted.length + known.length)
})

test('whoever looks for a service has its id registered, with clocks off by a minute each and a record of minutes ago', () => {
  const change = 20_000 * dayMs
  for (let fromChange = -90; fromChange <= 90; fromChange++) {
    for (const seconds of [-1, 0, 1]) {
      const now = change + fromChange * minuteMs + seconds * 1000
      for (const ingress of [-minuteMs, 0, minuteMs])
        for (const egress of [-minuteMs, 0, minuteMs])
          for (const ago of [0, minuteMs, recordLifeMs]) {
            const registered = daysAround(now + egress - ago)
            assert.ok(registered.includes(dayOf(now + ingress)), `${fromChange} min ${ingress} ${egress} ${ago}`)
            assert.ok(registered.length <= 2)
          }
    }
  }
  assert.deepEqual(daysAround(change + dayMs / 2), [20_000])
  assert.deepEqual(daysAround(change - 1), [19_999, 20_000])
})
