import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { linkTo } from '../src/circuit/open.ts'
import { CircuitField, circuit, hopOf, nobody } from './circuit-field.ts'

test('a relay dials no address that a route has brought, of whatever kind and whoever it is said to be', async () => {
  await using field = new CircuitField()
  const relay = hopOf((await field.relay()).host)
  const other = await field.host('relay')
  const ingress = await field.host('ingress')
  const victim = await field.silent()
  const port = victim.address.split('/').at(-1)
  const brought = [victim.address, `/dns4/localhost/tcp/${port}`, '/unix/tmp%2Fpostern.sock', '/ip4/10.0.0.1/tcp/22']
  const answers = [nobody(), other.peer].flatMap((peer) =>
    brought.map(async (address) => (await circuit(ingress, relay, { peer, addresses: [address] })).answered),
  )
  assert.deepEqual([...new Set(await Promise.all(answers))], ['UNREACHABLE'])
  assert.equal(victim.connections(), 0)
})

test('a socket file is not dialled, even where a relay is known at one', async () => {
  await using field = new CircuitField()
  const host = await field.host('relay')
  const dial = linkTo(host, { peer: nobody(), addresses: ['/unix/tmp%2Fpostern.sock'] }, AbortSignal.timeout(5000))
  await assert.rejects(dial, { name: 'DialDeniedError' })
})

test('whatever keeps a relay from the next hop, the answer is the same after the same time', async () => {
  await using field = new CircuitField()
  const { host } = await field.relay()
  const relay = hopOf(host)
  const ingress = await field.host('ingress')
  const egress = await field.host('egress')
  await linkTo(ingress, relay, AbortSignal.timeout(5000))
  const { address } = await field.silent()
  const gone = await field.host('relay')
  const other = hopOf(await field.host('relay'))
  const ways = { unknown: nobody(), silent: nobody(), refused: gone.peer, another: nobody(), mute: other.peer }
  field.known.set(ways.silent, [address])
  field.known.set(ways.refused, hopOf(gone).addresses)
  field.known.set(ways.another, other.addresses)
  // It is linked, and serves no circuit.
  field.known.set(ways.mute, other.addresses)
  await gone.libp2p.stop()
  const startMs = performance.now()
  const outcomes = Object.entries(ways).map(async ([how, peer]) => {
    const answer = await (await circuit(ingress, relay, { peer, addresses: [address] })).answered
    return { how, answer, early: performance.now() - startMs < 2900 }
  })
  const expected = Object.keys(ways).map((how) => ({ how, answer: 'UNREACHABLE', early: false }))
  assert.deepEqual(await Promise.all(outcomes), expected)
  // Who is to be linked already is not dialled, and whether an ingress is linked here is told to nobody.
  const asked = field.asked.length
  for (const peer of [nobody(), ingress.peer, egress.peer]) {
    const another = await field.host('ingress')
    assert.equal(await (await circuit(another, relay, { peer, addresses: [] })).answered, 'UNREACHABLE')
  }
  assert.equal(field.asked.length, asked)
})

test('one dial serves all who want the same relay, and a dial that hangs holds up no other', async () => {
  await using field = new CircuitField()
  const relay = hopOf((await field.relay()).host)
  const good = hopOf((await field.relay()).host)
  const [bad, other] = [await field.host('ingress'), await field.host('ingress')]
  const silent = await field.silent()
  const hung = nobody()
  field.known.set(hung, [silent.address])
  // One of its addresses leads nowhere.
  field.known.set(good.peer, [silent.address, ...good.addresses])
  const hanging = []
  for (const from of [bad, other])
    for (let times = 0; times < 10; times++)
      hanging.push(await circuit(from, relay, { peer: hung, addresses: [silent.address] }))
  await eventually('it is dialled', () => silent.connections() > 0)
  const over = await circuit(other, relay, good)
  assert.equal(await Promise.race([over.answered, ...hanging.map(({ answered }) => answered)]), 'OK')
  assert.ok(silent.connections() <= 2)
  assert.equal(field.asked.filter((peer) => peer === hung).length, 1)
})

test('a neighbour has so many relays dialled at a time, and takes none of the dials of others', async () => {
  await using field = new CircuitField()
  const relay = hopOf((await field.relay({ dialsPerNeighbour: 4 })).host)
  const good = hopOf((await field.relay()).host)
  const [greedy, other] = [await field.host('ingress'), await field.host('ingress')]
  field.known.set(good.peer, good.addresses)
  const answers = []
  for (let times = 0; times < 40; times++)
    answers.push((await circuit(greedy, relay, { peer: nobody(), addresses: good.addresses })).answered)
  assert.equal(await (await circuit(other, relay, good)).answered, 'OK')
  const all = await Promise.all(answers)
  assert.ok(all.filter((answer) => answer === 'BUSY').length >= 20)
  assert.ok(all.every((answer) => answer === 'BUSY' || answer === 'UNREACHABLE'))
  assert.ok((field.counted.get('over_rate{dials}') ?? 0) >= 20)
})

test('nothing is dialled for one who is only invited, whose circuits go over links that there are', async () => {
  await using field = new CircuitField()
  const { host } = await field.relay()
  const relay = hopOf(host)
  const other = await field.relay()
  const good = hopOf(other.host)
  const invited = await field.host('invited')
  field.known.set(good.peer, good.addresses)
  assert.equal(await (await circuit(invited, relay, good)).answered, 'UNREACHABLE')
  assert.deepEqual(field.asked, [])
  await linkTo(host, good, AbortSignal.timeout(5000))
  assert.equal(await (await circuit(invited, relay, good)).answered, 'OK')
})

test('a way that turns back to where it came from, or stays where it is, is refused', async () => {
  await using field = new CircuitField()
  const first = hopOf((await field.relay()).host)
  const second = hopOf((await field.relay()).host)
  const ingress = await field.host('ingress')
  for (const relay of [first, second]) field.known.set(relay.peer, relay.addresses)
  for (const hops of [
    [first, { peer: ingress.peer, addresses: [] }],
    [first, first],
    [first, second, first],
    [first, second, first, second],
  ])
    assert.equal(await (await circuit(ingress, ...hops)).answered, 'REFUSED')
  assert.equal(await (await circuit(ingress, first, second)).answered, 'OK')
})
