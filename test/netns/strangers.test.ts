import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { knockMaskOf } from '@postern/identity'
import { makeKnock } from '@postern/test-kit'
import type { Call, Outcome } from './dial.ts'
import { addressOf, backendOf, egressNames, type HostName, Hosts, innerAddressOf } from './hosts.ts'
import { answered, service } from './marks.ts'
import { ingressNames, NetMesh, relayNames, relayPort } from './mesh.ts'
import type { MeshNode } from './node.ts'
import { ask } from './process.ts'
import type { Answer } from './visit.ts'

const outside = ['client', ...ingressNames, ...relayNames, 'stranger'] as const
/** Time for what is tried. A listener bears strangers for longer, whatever they say. */
const longMs = 5000

test('what strangers can do', async (t) => {
  using hosts = new Hosts()
  await using mesh = await NetMesh.start(hosts, { service, bootstrap: { ingress: relayNames, egress: relayNames } })
  const secret = Buffer.from(mesh.secret, 'base64url')
  const dial = async (host: HostName, calls: readonly Call[]) => (await ask(hosts, host, 'dial', calls)) as Outcome[]

  await t.test('a backend can be reached from the host of its egress alone', async () => {
    for (const egress of egressNames) {
      const host = addressOf[backendOf[egress]]
      const call = { host, port: 3000, says: hex('GET / HTTP/1.0\r\n\r\n'), withinMs: 1000 }
      const [fromEgress] = await dial(egress, [{ ...call, withinMs: longMs, once: true }])
      assert.ok((fromEgress?.heard ?? 0) > 0, `${egress} is answered`)
      const elsewhere = [...outside, ...egressNames.filter((other) => other !== egress)]
      const others = await Promise.all(elsewhere.map(async (from) => ({ from, outcomes: await dial(from, [call]) })))
      for (const { from, outcomes } of others) assert.deepEqual(outcomes.map(reached), [false], from)
    }
  })

  await t.test('an egress has no listening socket, and refuses whoever looks for one', async () => {
    const listening = ['ss', '--listening', '--tcp', '--udp', '--numeric', '--no-header']
    assert.match(hosts.run('relay-1', listening), /:4001 /, 'a relay has one')
    for (const egress of egressNames) assert.equal(hosts.run(egress, listening), '', egress)
    const calls = egressNames
      .flatMap((egress) => [addressOf[egress], innerAddressOf[egress]])
      .flatMap((host) =>
        [22, 80, 443, 3000, relayPort, 8080, 9090].map((port) => ({ host, port, says: '', withinMs: longMs })),
      )
    const found = await Promise.all(outside.map((host) => dial(host, calls)))
    assert.deepEqual([...new Set(found.flat().map(({ error }) => error))], ['ECONNREFUSED'])
  })

  await t.test('a stranger who connects to a relay gets no byte, whatever he says', async () => {
    const tries = relayNames.flatMap((name) =>
      Object.entries(openings).map(([how, opening]) => ({
        how: `${how}, to ${name}`,
        call: to(mesh.node(name), opening(mesh.node(name), secret)),
      })),
    )
    const outcomes = await dial(
      'stranger',
      tries.map(({ call }) => call),
    )
    for (const [at, { how }] of tries.entries()) {
      const { connected, endedMs, heard } = outcomes[at] ?? {}
      assert.deepEqual(
        { connected, heard, ended: endedMs !== undefined },
        { connected: true, heard: 0, ended: false },
        how,
      )
    }
  })

  await t.test('a knock is good once, at the relay it is meant for, and answered there', async () => {
    const relay = mesh.node('relay-1')
    const good = Buffer.concat([knock(secret, relay.peer, Date.now()), clientHello])
    const first = await dial('stranger', [{ ...to(relay, good), once: true }])
    assert.ok((first[0]?.heard ?? 0) > 0, 'with the secret of the mesh the relay speaks')
    const again = await dial('stranger', [to(relay, good)])
    const elsewhere = await dial('stranger', [to(mesh.node('relay-2'), good)])
    assert.deepEqual(
      [...again, ...elsewhere].map(({ heard, endedMs }) => ({ heard, ended: endedMs !== undefined })),
      [
        { heard: 0, ended: false },
        { heard: 0, ended: false },
      ],
    )
  })

  await t.test('a client notices none of it', async () => {
    const [answer] = (await ask(hosts, 'client', 'visit', [{ method: 'GET', path: '/v1/' }])) as Answer[]
    assert.deepEqual([answer?.status, answer?.body], [200, `${answered.body} 0`])
  })
})

const multistream = Buffer.from('\x13/multistream/1.0.0\n')
/** Enough of TLS for an answer, if only an alert. */
const clientHello = Buffer.concat([Buffer.from('16030100c8010000c40303', 'hex'), randomBytes(194)])

/** What somebody says who does not belong: each opening must be met with silence. */
const openings: Readonly<Record<string, (relay: MeshNode, secret: Buffer) => Buffer>> = {
  'says nothing': () => Buffer.alloc(0),
  'says as much as a knock, at random': () => randomBytes(65),
  'says more than a knock, at random': () => randomBytes(5000),
  'asks with HTTP': () =>
    Buffer.from('GET / HTTP/1.1\r\nhost: relay.example\r\naccept: */*\r\nuser-agent: curl\r\n\r\n'),
  'greets with TLS': () => clientHello,
  'greets with multistream-select': () => multistream,
  'knocks with the secret of another mesh': ({ peer }) => knock(randomBytes(32), peer, Date.now()),
  'knocks too late': ({ peer }, secret) => knock(secret, peer, Date.now() - 90_000),
  'knocks too early': ({ peer }, secret) => knock(secret, peer, Date.now() + 90_000),
  'stops in the middle of a knock': ({ peer }, secret) => knock(secret, peer, Date.now()).subarray(0, 64),
}

function knock(secret: Buffer, listener: string, timeMs: number): Buffer {
  return makeKnock({ secret, mask: knockMaskOf(secret) }, listener, timeMs)
}

function to({ host }: MeshNode, octets: Buffer): Call {
  return { host: addressOf[host], port: relayPort, says: octets.toString('hex'), withinMs: longMs }
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

function reached({ connected, heard }: Outcome): boolean {
  return connected || heard > 0
}
