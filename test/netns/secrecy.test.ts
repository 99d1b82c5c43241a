import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dayOf, lookupKeyOf, serviceIdOf } from '@postern/identity'
import { eventually, type Pried } from '@postern/test-kit'
import { type Status, said, statusesOf, wordsIn } from './answers.ts'
import { Capture } from './capture.ts'
import type { Outcome } from './dial.ts'
import { toldByLinks } from './first-flight.ts'
import { addressOf, backendOf, egressNames, type HostName, Hosts, innerAddressOf } from './hosts.ts'
import { answered, asked, mark, markedVisit, paddingBytes, service } from './marks.ts'
import { heldInMemory } from './memory.ts'
import { ingressNames, multiaddrOf, NetMesh, nodeNames, relayNames, relayPort } from './mesh.ts'
import { ask } from './process.ts'
import { Search } from './search.ts'
import { brief as briefHost, documented, factsOf, judge, newsTo, type Party, table } from './table.ts'
import type { Answer, Visit } from './visit.ts'

const watched = ['client', ...nodeNames] as const
const entry = 'relay-1'
const guard = 'relay-2'
const other = 'relay-3'
const parties: ReadonlyArray<readonly [Party, readonly HostName[]]> = [
  ['ingress', ingressNames],
  ['entry relay', [entry]],
  ['guard', [guard]],
  ['any other relay', [other]],
  ['egress', egressNames],
]

const spoken = [...Object.values(asked), ...Object.values(answered)]
const synOnly = 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'
/** Packets of TCP that carry octets. */
const content = '(ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2)) != 0'
const get = { method: 'GET', path: '/v1/', headers: { host: 'api.example' } } as const
/** Longer than the start of a node takes, shorter than these tests. */
const briefLife = '12s'

test('the table here is that of the design notes', () => {
  const rows = Object.entries(table).map(([who, cells]) => [who, cells.map((cell) => cell !== 'no')])
  assert.deepEqual(documented(), Object.fromEntries(rows))
})

test('who learns what', async (t) => {
  using hosts = new Hosts()
  // Each relay may be the entry of one circuit and the guard of another. Here each is one of three: an entry, a guard,
  // and one that stands between them on circuits over three relays and serves the directory.
  for (const ingress of ingressNames) hosts.cut(ingress, [guard, other])
  for (const egress of egressNames) hosts.cut(egress, [entry, other])
  hosts.cut(briefHost, [guard, other])
  const captures = await Promise.all(watched.map((host) => Capture.start(hosts, host)))
  const on = (host: HostName) => captures.find((capture) => capture.host === host) as Capture
  const order = { service, bootstrap: { ingress: [entry], egress: [guard] }, pathRelays: { 'ingress-2': 3 } } as const
  await using mesh = await NetMesh.start(hosts, order)
  const visit = async (...visits: readonly Visit[]) => (await ask(hosts, 'client', 'visit', visits)) as Answer[]
  const pidOf = (name: HostName) => mesh.node(name).process.pid
  const refusedByAll = (peer: string, code: string) =>
    eventually(`every relay has refused the peer: ${code}`, () =>
      relayNames.every((relay) => said('link refused', peer, code).test(mesh.node(relay).log)),
    )

  await t.test('a client reaches the API through either ingress, which calls on both egresses', async () => {
    const egressesHeard = () => egressNames.every((egress) => spoken.every((word) => on(egress).holds(word)))
    await eventually('each egress has answered', async () => {
      const visits = ingressNames.flatMap((at) => [
        { ...get, at },
        { ...markedVisit, at },
        { ...markedVisit, at },
      ])
      for (const [index, { body, headers, status }] of (await visit(...visits)).entries()) {
        const length = index % 3 === 0 ? 0 : asked.body.length + paddingBytes
        assert.deepEqual([status, body, headers['x-answer']], [200, `${answered.body} ${length}`, answered.field])
      }
      return egressesHeard()
    })
  })

  await t.test('each host is seen to carry what went by, in and out', async () => {
    const carried = 2 * 2 * paddingBytes
    await eventually('the entry', () => on(entry).bytes > 2 * carried)
    await eventually('the guard', () => on(guard).bytes > 2 * carried)
    await eventually('the relay between them', () => on(other).bytes > carried)
    await eventually('the client', () => spoken.every((word) => on('client').holds(word)))
    for (const capture of captures) await capture.stop()
  })

  await t.test('what ingresses and egresses exchange with relays holds no word in clear', () => {
    const withRelays = relayNames.map((relay) => `host ${addressOf[relay]}`).join(' or ')
    for (const end of [...ingressNames, ...egressNames]) {
      assert.equal(on(end).holds(mark, withRelays) || on(end).holds(service, withRelays), false, end)
      assert.ok(
        spoken.every((word) => on(end).holds(word)),
        `${end} has it in clear on its other side`,
      )
    }
  })

  await t.test(
    'the first flight of a link says nothing: no word, no time, and a hello of TLS that names nobody',
    () => {
      const names = nodeNames.flatMap((name) => [mesh.node(name).peer, mesh.node(name).issued.credentialName])
      for (const end of [...ingressNames, ...egressNames, ...relayNames])
        assert.deepEqual(toldByLinks(on(end).octets(`tcp port ${relayPort}`), relayPort, names), [], end)
    },
  )

  await t.test(
    'an egress talks only to its guards and its backend, has no listening socket, and nobody connects',
    () => {
      for (const egress of egressNames) {
        assert.deepEqual(on(egress).peers('ip or ip6'), [backendOf[egress], guard])
        assert.deepEqual(on(egress).peers(synOnly), [backendOf[egress], guard])
        const own = `(dst host ${addressOf[egress]} or dst host ${innerAddressOf[egress]})`
        assert.deepEqual(on(egress).packets(`${synOnly} and ${own}`), [])
        assert.equal(hosts.run(egress, ['ss', '--listening', '--tcp', '--udp', '--numeric', '--no-header']), '')
        const lines = hosts.run(egress, ['ss', '--tcp', '--numeric', '--no-header']).trim().split('\n')
        const open = new Set(lines.map((line) => line.trim().split(/\s+/).at(-1)))
        // Whether a connection to the backend is kept just now is of no matter.
        open.delete(`${addressOf[backendOf[egress]]}:3000`)
        assert.deepEqual(open, new Set([`${addressOf[guard]}:${relayPort}`]))
      }
    },
  )

  await t.test('packets go from host to host along the way and no other: no relay meets both ends', () => {
    for (const ingress of ingressNames) assert.deepEqual(on(ingress).peers('ip or ip6'), ['client', entry])
    assert.deepEqual(on('client').peers('ip or ip6'), ingressNames)
    assert.deepEqual(on(entry).peers(), [...ingressNames, guard, other])
    assert.deepEqual(on(other).peers(), [entry, guard])
    assert.deepEqual(on(guard).peers(), [...egressNames, entry, other])
  })

  const brief = await mesh.addBrief(briefHost, briefLife)
  const facts = factsOf(mesh)

  await t.test('an ingress whose credential ends soon serves like any other', async () => {
    await eventually('it has trunks to both egresses', async () => {
      const { ingress } = (await brief.ask('/status')) as Status
      return ingress.services[0]?.egresses.filter(({ trunks }) => trunks > 0).length === egressNames.length
    })
    assert.deepEqual(statusesOf(await visit({ ...get, at: briefHost })), [200])
  })

  const atBrief = await Capture.start(hosts, briefHost)

  for (const [party, its] of parties) {
    await t.test(`the row of the table: ${party}`, () => {
      for (const host of its) {
        const judged = judge(party, { host, capture: on(host), node: mesh.node(host) }, facts)
        assert.deepEqual(judged, { against: [], missing: [] }, host)
      }
    })
  }

  hosts.mend(briefHost, [guard, other])

  await t.test('the row of the table: non-member', async () => {
    const capture = await Capture.start(hosts, 'stranger')
    const calls = relayNames.map((relay) => ({
      host: addressOf[relay],
      port: relayPort,
      says: randomBytes(100).toString('hex'),
      withinMs: 5000,
    }))
    const outcomes = (await ask(hosts, 'stranger', 'dial', calls)) as Outcome[]
    assert.deepEqual(
      outcomes.map(({ connected, heard }) => [connected, heard]),
      relayNames.map(() => [true, 0]),
    )
    await capture.stop()
    assert.deepEqual(capture.peers(), relayNames)
    assert.deepEqual(capture.packets(`dst host ${addressOf.stranger} and ${content}`), [])
    assert.notDeepEqual(on(entry).packets(`dst host ${addressOf[entry]} and ${content}`), [])
    assert.deepEqual(judge('non-member', { host: 'stranger', capture }, facts).against, [])
  })

  await t.test('the row of the table: revoked member', async () => {
    const revoked = mesh.node('ingress-2')
    const atRevoked = await Capture.start(hosts, 'ingress-2')
    assert.deepEqual(mesh.revoke('ingress-2').toSorted(), relayNames.map((relay) => mesh.node(relay).peer).toSorted())
    await eventually('relays and egresses know', async () => {
      const told = [...relayNames, ...egressNames].map((host) => mesh.node(host).ask('/status') as Promise<Status>)
      return (await Promise.all(told)).every(({ bulletin }) => bulletin.sequence === 1)
    })
    const atThief = await Capture.start(hosts, 'stranger')
    const thief = await mesh.steal('ingress-2', 'stranger')
    await refusedByAll(revoked.peer, 'CREDENTIAL_REVOKED')
    for (const capture of [atRevoked, atThief]) await capture.stop()
    const news = newsTo(thief, facts)
    assert.ok(news.length >= facts.length - 2, 'its folder tells who it is and what it may call')
    for (const learner of [
      { host: 'stranger', capture: atThief, node: thief },
      { host: 'ingress-2', capture: atRevoked },
    ] as const)
      assert.deepEqual(judge('revoked or expired member', learner, news).against, [], learner.host)
    assert.deepEqual([atThief.peers(), atRevoked.peers()], [relayNames, [entry]])
  })

  await t.test('the row of the table: expired member', async () => {
    await eventually('every relay it comes back to takes it for one who may only ask to be renewed', async () => {
      const peersOf = (relay: (typeof relayNames)[number]) =>
        mesh.node(relay).ask('/peers') as Promise<Array<{ peer: string; roles: readonly string[] }>>
      const all = (await Promise.all(relayNames.map(peersOf))).map((peers) =>
        peers.find(({ peer }) => peer === brief.peer),
      )
      return (
        all.some((peer) => peer !== undefined) && all.every((peer) => peer === undefined || peer.roles.length === 0)
      )
    })
    await eventually('it has asked', async () => {
      const { counters } = (await brief.ask('/status')) as { counters: Record<string, number> }
      return Object.keys(counters).some((name) => name.startsWith('credential_renewals{'))
    })
    await atBrief.stop()
    assert.match(mesh.node(entry).log, said('member cut off', brief.peer, 'CREDENTIAL_EXPIRED'))
    const news = newsTo(brief, facts)
    assert.deepEqual(judge('revoked or expired member', { host: briefHost, capture: atBrief }, news).against, [])
    assert.deepEqual(atBrief.peers(), relayNames)
  })

  await t.test('an ingress that belongs no more serves nobody, and the others serve as before', async () => {
    const answers = await Promise.all((['ingress-2', briefHost] as const).map((at) => visit({ ...get, at })))
    for (const [answer] of answers)
      assert.deepEqual([answer?.status, JSON.parse(answer?.body ?? '').code], [503, 'SERVICE_UNREACHABLE'])
    assert.deepEqual(statusesOf(await visit(get)), [200])
  })

  await t.test('an egress knows an ingress by its peer id, not by its address', () => {
    const addresses = ingressNames.map((ingress) => addressOf[ingress])
    for (const egress of egressNames) {
      assert.deepEqual(wordsIn(mesh.node(egress).log, addresses), [], egress)
      assert.deepEqual([...heldInMemory(pidOf(egress), new Search(addresses))], [], egress)
    }
  })

  const id = serviceIdOf(lookupKeyOf(Buffer.from(mesh.secret, 'base64url'), service), dayOf(Date.now()))

  await t.test('an id of the service is told to guards alone, and no entry hears for what it carries a lookup', () => {
    const words = [id, Buffer.from(id, 'hex')]
    assert.notDeepEqual([...heldInMemory(pidOf(guard), new Search(words))], [], 'the guard has it')
    for (const relay of [entry, other] as const)
      assert.deepEqual([...heldInMemory(pidOf(relay), new Search(words))], [], relay)
  })

  await t.test('no log or argument tells the secret of the mesh, or the key of a node', () => {
    const keys = nodeNames.map((name) => readFileSync(join(mesh.node(name).issued.folder, 'state', 'node.key'), 'utf8'))
    const secrets = [mesh.secret, ...keys.map((pem) => pem.split('\n')[1] ?? assert.fail('no key'))]
    for (const name of nodeNames) {
      assert.match(mesh.node(name).log, /"event":"node started"/)
      const open = mesh.node(name).log + readFileSync(`/proc/${pidOf(name)}/cmdline`, 'utf8')
      assert.deepEqual(wordsIn(open, secrets), [], name)
    }
  })

  await t.test('an answer that says no tells nothing of hosts, peers or names inside', async () => {
    const inside = [
      service,
      ...[...egressNames, ...Object.values(backendOf), ...relayNames].map((host) => addressOf[host]),
      ...Object.values(innerAddressOf),
      ...nodeNames.flatMap((name) => [mesh.node(name).peer, mesh.node(name).issued.credentialName]),
    ]
    const refused = await visit({ method: 'GET', path: '/not-exposed' })
    for (const api of mesh.apis) await api.stop('SIGTERM')
    const failed = await visit(get)
    assert.deepEqual(statusesOf([...refused, ...failed]), [404, 502])
    assert.deepEqual(wordsIn(JSON.stringify([refused, failed]), inside), [])
  })

  await t.test(
    'a relay that asks whatever it can about an id learns of no egress, unless it guesses the name',
    async () => {
      await mesh.node(other).process.stop('SIGTERM')
      const { folder } = mesh.node(other).issued
      const inquiry = { folder, listen: multiaddrOf(other), id, guess: service }
      const pried = (await ask(hosts, other, 'pry', inquiry)) as Pried
      assert.deepEqual(pried.guards, [mesh.node(guard).peer])
      assert.ok(pried.records >= egressNames.length, 'the guard gives its records to whoever has the id')
      const words = facts.filter(({ column }) => column !== 'service name').flatMap((fact) => fact.words)
      assert.deepEqual([...new Search([...words, service]).in(Buffer.from(pried.heard, 'base64'))], [])
      assert.deepEqual(pried.opened, [])
      // The limit that the threat model states: it holds the secret of the mesh, so a guess opens the records.
      assert.deepEqual(pried.guessed, egressNames.map((egress) => mesh.node(egress).peer).toSorted())
    },
  )
})
