import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { CircuitField, circuit, hopOf } from './circuit-field.ts'

test('one ingress that holds circuits takes no place of another behind the same relays', async () => {
  await using field = new CircuitField()
  const guard = await field.relay({ circuitsPerNeighbour: 16 })
  const entry = hopOf((await field.relay({ circuitsPerNeighbour: 16 })).host)
  const last = hopOf(guard.host)
  field.known.set(last.peer, last.addresses)
  const [greedy, other] = [await field.host('ingress'), await field.host('ingress')]
  const answersOf = async (from: typeof greedy, count: number) => {
    const answers: Array<Promise<string>> = []
    for (let times = 0; times < count; times++) answers.push((await circuit(from, entry, last)).answered)
    return await Promise.all(answers)
  }
  const held = await answersOf(greedy, 18)
  assert.deepEqual(held, [...Array<string>(16).fill('OK'), 'BUSY', 'BUSY'])
  assert.deepEqual([...new Set(await answersOf(other, 16))], ['OK'])
})

test('where a relay has no place left, a circuit on which nothing goes gives way to one that is wanted now', async () => {
  await using field = new CircuitField()
  const guard = await field.relay({ circuits: 8 })
  const last = hopOf(guard.host)
  const [greedy, other] = [await field.host('ingress'), await field.host('ingress')]
  const held: Array<Awaited<ReturnType<typeof circuit>>> = []
  for (let times = 0; times < 8; times++) held.push(await circuit(greedy, last))
  assert.deepEqual([...new Set(await Promise.all(held.map(({ answered }) => answered)))], ['OK'])
  await eventually('another has a place', async () => (await (await circuit(other, last)).answered) === 'OK')
  assert.ok((field.counted.get('circuits_evicted') ?? 0) >= 1)
  await eventually('the first is over', () => held[0]?.stream.status !== 'open')
  assert.ok(guard.circuits.circuits <= 8)
})

test('an echo circuit is over after a while, whatever its initiator says on it', async () => {
  await using field = new CircuitField()
  const guard = await field.relay()
  const ingress = await field.host('ingress')
  const { answered, bytes, stream } = await circuit(ingress, hopOf(guard.host))
  assert.equal(await answered, 'OK')
  const says = setInterval(() => void bytes.write(Buffer.from('again')).catch(() => clearInterval(says)), 1000)
  await eventually('it is over', () => stream.status !== 'open', 60_000)
  clearInterval(says)
  await eventually('its place is free', () => guard.circuits.circuits === 0)
})
