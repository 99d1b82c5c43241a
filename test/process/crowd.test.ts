import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, eventually, steadily } from '@postern/test-kit'
import { must, postern } from './command.ts'
import { type CrowdNode, crowdOf } from './crowd.ts'

test('in a mesh of twenty nodes a revoked ingress is answered no more once all know, and nobody else loses a request', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using crowd = await crowdOf(backend.url, { relay: 4, egress: 3, ingress: 13 })
  const everyone = [...crowd.relays, ...crowd.egresses, ...crowd.ingresses]
  assert.equal(everyone.length, 20)
  const [bad, ...good] = crowd.ingresses as [CrowdNode, ...CrowdNode[]]
  await using condemned = steadily(bad.url)
  await using stack = new AsyncDisposableStack()
  const others = good.slice(0, 4).map((node) => stack.use(steadily(node.url)))
  const answered = () => others.reduce((sum, { answers }) => sum + answers.length, 0)
  const goOn = async (more: number) => {
    const before = answered()
    await eventually('others go on', () => answered() > before + more)
  }
  const revoke = async (who: string) => must(postern('revoke', who, '--authority', crowd.authority))
  const knows = async (nodes: readonly CrowdNode[], sequence: number) =>
    (await Promise.all(nodes.map(async (node) => (await node.status()).bulletin.sequence))).every((s) => s === sequence)
  await goOn(200)

  await revoke(bad.name)
  await eventually('everyone else knows', () =>
    knows(
      everyone.filter((node) => node !== bad),
      1,
    ),
  )
  // One may have been on its way back.
  const seen = condemned.answers.length + 1
  await eventually('the revoked one goes on asking', () => condemned.answers.length > seen + 1, 60_000)
  assert.deepEqual([...new Set(condemned.statuses.slice(seen))], [503])
  await goOn(200)

  const circuits = await Promise.all(crowd.relays.map(async (node) => (await node.status()).relay?.circuits ?? 0))
  const relay = crowd.relays[circuits.indexOf(Math.max(...circuits))]
  assert.ok(relay)
  await revoke(relay.name)
  await eventually('everyone else knows of the relay', () =>
    knows(
      everyone.filter((node) => node !== bad && node !== relay),
      2,
    ),
  )
  await goOn(200)
  await stack.disposeAsync()
  assert.deepEqual([...new Set(others.flatMap(({ answers }) => answers.map(({ status }) => status)))], [200])
})
