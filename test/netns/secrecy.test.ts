import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { Capture } from './capture.ts'
import { addressOf, type HostName, Hosts, innerAddress } from './hosts.ts'
import { answered, asked, markedVisit, paddingBytes, service } from './marks.ts'
import { heldInMemory } from './memory.ts'
import { NetMesh, nodeNames, relayNames, relayPort } from './mesh.ts'
import { ask } from './process.ts'
import type { Answer, Visit } from './visit.ts'

const watched = ['client', ...nodeNames] as const
const entry = 'relay-1'
const guards = ['relay-2', 'relay-3'] as const

const spoken = [...Object.values(asked), ...Object.values(answered)]
/** What no relay may learn of a request. */
const unseen = [...spoken, service, addressOf.client, addressOf.backend]
const synOnly = 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'

test('who learns what', async (t) => {
  using hosts = new Hosts()
  // With three relays each may be the entry of one circuit and the guard of another: here the entry is no guard.
  hosts.cut('ingress', guards)
  hosts.cut('egress', [entry])
  const captures = await Promise.all(watched.map((host) => Capture.start(hosts, host)))
  const on = (host: HostName) => captures.find((capture) => capture.host === host) as Capture
  await using mesh = await NetMesh.start(hosts, { service, bootstrap: { ingress: [entry], egress: guards } })
  const visit = async (...visits: readonly Visit[]) => (await ask(hosts, 'client', 'visit', visits)) as Answer[]
  const pidOf = (name: (typeof nodeNames)[number]) => mesh.node(name).process.pid

  await t.test('a client reaches the API through the ingress', async () => {
    const answers = await visit({ method: 'GET', path: '/v1/' }, markedVisit, markedVisit)
    const marked = `${answered.body} ${asked.body.length + paddingBytes}`
    assert.deepEqual(
      answers.map(({ body, status }) => [status, body]),
      [
        [200, `${answered.body} 0`],
        [200, marked],
        [200, marked],
      ],
    )
    assert.equal(answers[1]?.headers['x-answer'], answered.field)
  })

  await t.test('each host is seen to carry what went by, in and out', async () => {
    const carried = 2 * 2 * paddingBytes
    await eventually('the entry', () => on(entry).bytes > carried)
    await eventually('the guards', () => guards.reduce((sum, guard) => sum + on(guard).bytes, 0) > carried)
    await eventually('the client', () => spoken.every((word) => on('client').holds(word)))
    for (const capture of captures) await capture.stop()
  })

  await t.test('a capture on a relay holds neither path, field, body nor service name in clear', () => {
    for (const relay of relayNames) assert.deepEqual(heard(on(relay)), [], relay)
  })

  await t.test('nor does what the ingress and the egress exchange with relays', () => {
    const withRelays = relayNames.map((relay) => `host ${addressOf[relay]}`).join(' or ')
    for (const end of ['ingress', 'egress'] as const) {
      assert.deepEqual(heard(on(end), withRelays), [], end)
      assert.ok(
        spoken.every((word) => on(end).holds(word)),
        `the ${end} has it in clear on its other side`,
      )
    }
  })

  await t.test('the egress talks only to its guards and its backend, and nobody connects to it', () => {
    assert.deepEqual(on('egress').peers('ip or ip6'), ['backend', ...guards])
    assert.deepEqual(on('egress').peers(synOnly), ['backend', ...guards])
    const own = `(dst host ${addressOf.egress} or dst host ${innerAddress})`
    assert.deepEqual(on('egress').packets(`${synOnly} and ${own}`), [])
    assert.equal(hosts.run('egress', ['ss', '--listening', '--tcp', '--udp', '--numeric', '--no-header']), '')
    const lines = hosts.run('egress', ['ss', '--tcp', '--numeric', '--no-header']).trim().split('\n')
    const open = new Set(lines.map((line) => line.trim().split(/\s+/).at(-1)))
    // Whether a connection to the backend is kept just now is of no matter.
    open.delete(`${addressOf.backend}:3000`)
    assert.deepEqual(open, new Set(guards.map((guard) => `${addressOf[guard]}:${relayPort}`)))
  })

  await t.test('the ingress exchanges packets with clients and its entry relay alone', () => {
    assert.deepEqual(on('ingress').peers('ip or ip6'), ['client', entry])
    assert.deepEqual(on('client').peers('ip or ip6'), ['ingress'])
  })

  await t.test('no relay exchanges packets with both ends', () => {
    assert.deepEqual(on(entry).peers(), ['ingress', ...guards])
    for (const guard of guards) {
      const others = on(guard).peers()
      assert.deepEqual(
        others.filter((name) => !name.startsWith('relay-')),
        ['egress'],
      )
    }
  })

  await t.test(
    'no relay has words of a request in memory, the entry none of the egress, a guard none of the ingress',
    () => {
      const ends = { ingress: mesh.node('ingress'), egress: mesh.node('egress') }
      const remembers = (relay: (typeof relayNames)[number], near: keyof typeof ends, far: keyof typeof ends) => {
        const known = ends[near].publicKey
        const unknown = [...unseen, ends[far].peer, ends[far].publicKey, addressOf[far]]
        assert.deepEqual(heldInMemory(pidOf(relay), [...unknown, known]), [known], relay)
      }
      remembers(entry, 'ingress', 'egress')
      for (const guard of guards) remembers(guard, 'egress', 'ingress')
    },
  )

  await t.test('the ingress knows neither the address of the egress nor that of the backend', () => {
    assert.deepEqual(heldInMemory(pidOf('ingress'), [service, addressOf.egress, addressOf.backend]), [service])
  })

  await t.test(
    'logs of relays tell nothing of requests nor of the far end, and no log or argument tells the secret',
    () => {
      const { peer } = mesh.node('egress')
      assert.deepEqual(wordsIn(mesh.node(entry).log, [...unseen, peer, addressOf.egress]), [])
      for (const guard of guards)
        assert.deepEqual(wordsIn(mesh.node(guard).log, [...unseen, mesh.node('ingress').peer]), [])
      for (const name of nodeNames) {
        assert.match(mesh.node(name).log, /"event":"node started"/)
        const open = mesh.node(name).log + readFileSync(`/proc/${pidOf(name)}/cmdline`, 'utf8')
        assert.deepEqual(wordsIn(open, [mesh.secret]), [], name)
      }
    },
  )

  await t.test('an answer that says no tells nothing of hosts, peers or names inside', async () => {
    const inside = [
      service,
      innerAddress,
      ...(['backend', ...nodeNames] as const).filter((name) => name !== 'ingress').map((name) => addressOf[name]),
      ...nodeNames.flatMap((name) => [name, mesh.node(name).peer]).filter((name) => name !== 'ingress'),
    ]
    const refused = await visit({ method: 'GET', path: '/not-exposed' })
    await mesh.api.stop('SIGTERM')
    const failed = await visit({ method: 'GET', path: '/v1/' })
    assert.deepEqual(
      [...refused, ...failed].map(({ status }) => status),
      [404, 502],
    )
    assert.deepEqual(wordsIn(JSON.stringify([refused, failed]), inside), [])
  })
})

/** What no relay may learn, as far as it stands in a capture in clear. */
function heard(capture: Capture, filter?: string): string[] {
  return unseen.filter((word) => capture.holds(word, filter))
}

function wordsIn(text: string, words: readonly string[]): string[] {
  return words.filter((word) => text.includes(word))
}
