import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, eventually, steadily } from '@postern/test-kit'
import { must, postern } from './command.ts'
import { type CrowdNode, crowdOf } from './crowd.ts'

/** What security.md promises of a mesh of fifty nodes. */
const promisedMs = 5000

test('in a mesh of fifty nodes a revoked ingress is answered no more within 5 s, and nobody else loses a request', async (t) => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using crowd = await crowdOf(backend.url, { relay: 6, egress: 4, ingress: 40 })
  const everyone = [...crowd.relays, ...crowd.egresses, ...crowd.ingresses]
  assert.equal(everyone.length, 50)
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

  const startMs = performance.now()
  await revoke(bad.name)
  await eventually('it is answered no more', () => condemned.answers.at(-1)?.status === 503, 60_000)
  await eventually('everyone else knows', () =>
    knows(
      everyone.filter((node) => node !== bad),
      1,
    ),
  )
  const knownMs = performance.now() - startMs
  const seen = condemned.answers.length
  await eventually('the revoked one goes on asking', () => condemned.answers.length > seen + 1, 60_000)
  const lastMs = Math.max(...condemned.answers.filter(({ status }) => status === 200).map(({ atMs }) => atMs)) - startMs
  t.diagnostic(`known everywhere after ${Math.round(knownMs)} ms, last answer after ${Math.round(lastMs)} ms`)
  assert.ok(lastMs < promisedMs, `${lastMs} ms`)
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
