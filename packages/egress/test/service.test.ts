import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type Clock, Deadlines } from '@postern/protocol'
import { serviceSchema } from '../src/schema.ts'
import { type Backend, Service } from '../src/service.ts'

const restMs = 5000
const deadlines = new Deadlines()
const opened: Service[] = []
afterEach(() => {
  for (const service of opened.splice(0)) service.close()
})

function serviceOf(names: readonly string[], clock: Clock): Service {
  const config = serviceSchema.parse({
    backends: names.map((name) => `http://${name}`),
    expose: [{ methods: ['*'], path: '/**' }],
  })
  const service = new Service('api', config, clock, deadlines)
  opened.push(service)
  return service
}

const namesOf = (backends: readonly Backend[]) => backends.map(({ origin }) => new URL(origin).hostname)
const upOf = (service: Service) => service.describe().map(({ up }) => up)

function fakeClock(): Clock & { passes(ms: number): void } {
  let now = 1_000_000
  return {
    now: () => now,
    passes(ms) {
      now += ms
    },
  }
}

function named(service: Service, name: string): Backend {
  const backend = service.candidates().find(({ origin }) => origin === `http://${name}`)
  assert.ok(backend !== undefined, `there is no backend ${name}`)
  return backend
}

test('backends take turns, and each request may try all of them', () => {
  const service = serviceOf(['a', 'b', 'c'], fakeClock())
  const rounds = Array.from({ length: 4 }, () => namesOf(service.candidates()).join(''))
  assert.deepEqual(rounds, ['abc', 'bca', 'cab', 'abc'])
})

test('a backend that refused is tried last until its rest is over', () => {
  const clock = fakeClock()
  const service = serviceOf(['a', 'b', 'c'], clock)
  service.refused(named(service, 'b'))
  assert.deepEqual(upOf(service), [true, false, true])
  for (const elapsed of [0, restMs - 1]) {
    clock.passes(elapsed)
    for (let turn = 0; turn < 6; turn++) assert.equal(namesOf(service.candidates()).at(-1), 'b')
  }
  clock.passes(1)
  const firsts = new Set(Array.from({ length: 3 }, () => namesOf(service.candidates())[0]))
  assert.deepEqual([...firsts].toSorted(), ['a', 'b', 'c'])
})

test('a backend that refuses again rests again', () => {
  const clock = fakeClock()
  const service = serviceOf(['a', 'b'], clock)
  service.refused(named(service, 'a'))
  clock.passes(restMs - 1)
  service.refused(named(service, 'a'))
  clock.passes(restMs - 1)
  for (let turn = 0; turn < 4; turn++) assert.equal(namesOf(service.candidates()).at(-1), 'a')
})

test('a backend that refused is down until it takes a request, however long that is', () => {
  const clock = fakeClock()
  const service = serviceOf(['a', 'b'], clock)
  service.refused(named(service, 'a'))
  clock.passes(10 * restMs)
  assert.deepEqual(upOf(service), [false, true])
  service.took(named(service, 'a'))
  assert.deepEqual(upOf(service), [true, true])
})

test('where all rest, all are still tried, and a lone one always is', () => {
  const clock = fakeClock()
  const both = serviceOf(['a', 'b'], clock)
  for (const name of ['a', 'b']) both.refused(named(both, name))
  assert.equal(both.candidates().length, 2)
  const lone = serviceOf(['a'], clock)
  lone.refused(named(lone, 'a'))
  assert.deepEqual(namesOf(lone.candidates()), ['a'])
  assert.deepEqual(upOf(lone), [false])
})
