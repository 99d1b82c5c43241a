import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { signRecord, undisclosed } from '@postern/identity'
import { type Conduct, eventually, type Way } from '@postern/test-kit'
import { Field } from './hostile.ts'

const routeBytes = 2048
/** Later than all that comes before the first request on a circuit. */
const settledBytes = 6000

/** Changes what a relay passes on of circuits, and counts how often. */
class Meddling {
  times = 0
  readonly #when: (way: Way, at: number) => boolean
  readonly #change: (octets: Buffer) => Buffer | undefined

  constructor(when: (way: Way, at: number) => boolean, change: (octets: Buffer) => Buffer | undefined) {
    this.#when = when
    this.#change = change
  }

  get conduct(): Conduct {
    return {
      pass: (octets, way, at) => {
        if (!this.#when(way, at)) return octets
        this.times += 1
        return this.#change(octets)
      },
    }
  }
}

function flipped(octets: Buffer): Buffer {
  const copy = Buffer.from(octets)
  const at = copy.length >> 1
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

function cut(): never {
  throw new Error('cut off')
}

const meddling: Readonly<Record<string, () => Meddling>> = {
  'cuts circuits off': () => new Meddling((_, at) => at > settledBytes, cut),
  'flips a bit of a route': () => new Meddling((way, at) => way === 'onward' && at === 0, flipped),
  'flips a bit of the answer to a route': () => new Meddling((way, at) => way === 'back' && at === 0, flipped),
  'flips a bit while the two ends greet each other': () =>
    new Meddling((way, at) => way === 'onward' && at >= routeBytes && at < routeBytes + 500, flipped),
  'flips a bit of what an ingress says': () =>
    new Meddling((way, at) => way === 'onward' && at > settledBytes, flipped),
  'flips a bit of what an egress says': () => new Meddling((way, at) => way === 'back' && at > settledBytes, flipped),
}

test('a relay that meddles with circuits breaks them, and can change neither a request nor an answer', async (t) => {
  await using field = await Field.of()
  for (const [what, meddle] of Object.entries(meddling)) {
    await t.test(`it ${what}`, async () => {
      const meddled = meddle()
      await field.enterUntil('it has meddled', () => meddled.times >= 3, meddled.conduct)
      field.holds()
      assert.ok(field.outcomes.some(({ end }) => end === 'right'))
    })
  }
  await t.test('it swallows what it should pass on', async () => {
    const swallowing = new Meddling(
      (_, at) => at > settledBytes,
      () => undefined,
    )
    await field.enterUntil('it has swallowed something', () => swallowing.times > 0, swallowing.conduct, {
      answerMs: 500,
    })
    field.holds()
  })
})

test('a relay that holds whatever arrives is gone around in time: no request fails', async () => {
  await using field = await Field.of()
  await field.enterUntil('it was asked', () => field.relay.arrived > 0, { arrivals: 'hold' })
  field.holds()
  assert.deepEqual(field.failed(), [])
})

test('a relay that answers in the place of the end is found out, and nobody hears its answers', async () => {
  await using field = await Field.of()
  const failures = () => field.ingress.node.status().counters['trunks_failed'] ?? 0
  await field.enterUntil('circuits that it answered have failed', () => failures() > 0, { arrivals: 'pose' })
  field.holds()
  assert.deepEqual(field.failed(), [])
})

test('what a relay has recorded of circuits opens nothing when it is said again', async () => {
  await using field = await Field.of()
  const { relay } = field
  const egresses = new Set(field.mesh.egresses.map(({ node }) => node.parts.mesh.peer))
  const accepted = () => field.mesh.egresses.map(({ node }) => node.status().counters['trunks_accepted'])
  const used = (to: (peer: string) => boolean) =>
    relay.passedOn.filter((passed) => to(passed.to) && Buffer.concat(passed.onward).length > settledBytes)
  const asGuard = () => used((peer) => egresses.has(peer))
  const asEntry = () => used((peer) => !egresses.has(peer))
  await eventually('requests have gone over it in both places', async () => {
    await field.enter({})
    await field.settled()
    await field.ask()
    return asGuard().length > 0 && asEntry().length > 0
  })
  const before = { seen: field.seen.length, accepted: accepted() }
  for (const { onward, to } of [...asGuard(), ...asEntry()]) {
    const all = Buffer.concat(onward)
    const refused = { answer: 'EXPIRED', more: Buffer.alloc(0) }
    assert.deepEqual(await relay.say(to, all.subarray(0, routeBytes)), refused)
    assert.deepEqual(await relay.say(to, all), refused)
  }
  for (const { onward, to } of asGuard()) {
    const inside = Buffer.concat(onward).subarray(routeBytes)
    const { answer } = await relay.say(to, Buffer.concat([await relay.routeTo(to), inside]))
    assert.equal(answer, 'OK', 'its own route is good')
  }
  assert.deepEqual({ seen: field.seen.length, accepted: accepted() }, before)
  await field.ask()
  field.holds()
  assert.deepEqual(field.failed(), [])
})

test('a relay that calls an egress itself, over a circuit or its link, is turned away, and told of no service', async () => {
  await using field = await Field.of()
  for (const { node } of field.mesh.egresses) {
    const { peer } = node.parts.mesh
    for (const over of ['circuit', 'link'] as const) {
      assert.equal(await field.relay.request(peer, over), 'TRUNK_LOST')
      assert.deepEqual(field.relay.servicesOf(peer), [])
    }
    assert.equal(node.status().counters['trunks_refused'], 2)
  }
  assert.deepEqual(field.seen, [])
})

test('a relay can register nothing at another, neither its own record nor that of an egress', async () => {
  await using field = await Field.of()
  const { relay } = field
  const { signing } = relay.member.key
  const credential = undisclosed(relay.member.sealed)
  const [egress] = field.mesh.egresses.map(({ node }) => node.parts.mesh.peer) as [string]
  const [genuine] = relay.registered
  assert.ok(genuine)
  const records = {
    'its own': { record: await signRecord(relay.guess.recordOf(relay.peer, relay.peer), signing), credential },
    'that of an egress, which it has signed': {
      ...genuine,
      record: await signRecord(relay.guess.recordOf(egress, relay.peer), signing),
    },
    'that of an egress, as it was told': genuine,
  }
  const { service } = relay.guess
  for (const { node } of field.mesh.relays) {
    const guard = node.parts.mesh.peer
    const refused = { ok: false, code: 'CREDENTIAL_REFUSED' }
    for (const [what, signed] of Object.entries(records)) {
      const record = Buffer.from(relay.guess.seal(signed)).toString('base64url')
      assert.deepEqual(await relay.register(guard, { type: 'register', service, record }), refused, what)
    }
    assert.deepEqual(await relay.register(guard, { type: 'withdraw', service }), refused)
  }
  await field.enter({})
  await field.ask()
  field.holds()
  assert.deepEqual(field.failed(), [])
})

test('what a guard makes up of a service is not believed', async (t) => {
  await using field = await Field.of()
  const { relay } = field
  const { key } = relay.member
  const egresses = field.mesh.egresses.map(({ node }) => node.parts.mesh.peer)
  const [egress = ''] = egresses
  const [genuine] = relay.registered
  assert.ok(genuine)
  const [head = '', payload = '', signature = ''] = genuine.record.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const altered = Buffer.from(JSON.stringify({ ...claims, weight: 1000 })).toString('base64url')
  const own = await signRecord(relay.guess.recordOf(relay.peer, relay.peer), key.signing)
  const { credential } = genuine
  const sealed = (...records: ReadonlyArray<typeof genuine>) => records.map((record) => relay.guess.seal(record))
  const lies: Readonly<Record<string, readonly Uint8Array[]>> = {
    'it offers the service itself': sealed({ record: own, credential: undisclosed(relay.member.sealed) }),
    'it offers the service itself, with the credential of an egress': sealed({ record: own, credential }),
    'an egress says what it has not said': sealed(
      { record: `${head}.${altered}.${signature}`, credential },
      { record: await signRecord(relay.guess.recordOf(egress, relay.peer), key.signing), credential },
    ),
    'records are no records': sealed({ record: 'e30.e30.e30', credential: 'e30.e30.e30~' }),
    'records are not even text': sealed({ record: '', credential: '' }),
    'records open for nobody': [randomBytes(relay.guess.seal(genuine).length)],
    'nobody offers the service': [],
  }
  for (const [what, records] of Object.entries(lies)) {
    await t.test(what, async () => {
      let told = 0
      const lie = () => {
        told += 1
        return records
      }
      await field.enterUntil('it has told the lie', () => told > 0, { records: lie }, { entries: 'good' })
      field.holds()
      assert.deepEqual(field.failed(), [])
      const [called] = field.ingress.node.status().ingress?.services ?? []
      assert.ok(called?.egresses.every((each) => egresses.includes(each.egress)))
    })
  }
})

const told: Readonly<Record<string, string>> = {
  'no message': '\u0000\u0001\u0002',
  'a message of another kind': '{"ok":true}',
  'that there is nobody': '{"relays":[]}',
  'names that are none': JSON.stringify({
    relays: [
      { peer: 'nobody', addresses: ['nowhere'] },
      { peer: '', addresses: [] },
      { peer: 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', addresses: ['/unix/tmp/x', '/p2p-circuit'] },
    ],
  }),
}

test('a relay that answers lookups with anything harms nobody who asks another too', async (t) => {
  await using field = await Field.of({ tell: () => Buffer.from(told['names that are none'] ?? '') })
  for (const [what, message] of Object.entries(told)) {
    await t.test(what, async () => {
      let times = 0
      const tell = () => {
        times += 1
        return Buffer.from(message)
      }
      await field.enterUntil('it has answered', () => times > 0, { tell })
      field.holds()
    })
  }
  field.relay.conduct = {}
  await eventually('all is well again', async () => {
    const before = field.failed().length
    await field.ask(1)
    return field.failed().length === before
  })
})
