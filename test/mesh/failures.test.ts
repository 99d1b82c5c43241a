import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, eventually, type KitMesh, type KitNode, meshOf } from '@postern/test-kit'

/** Sends GET requests one after the other in several lanes until told to stop; answers with what came of them. */
function load(url: string, lanes = 8) {
  let going = true
  const outcomes: string[] = []
  const lane = async () => {
    while (going) {
      const outcome = await fetch(url).then(
        async (response) => `${response.status} ${await response.text()}`,
        (error: Error) => error.message,
      )
      outcomes.push(outcome)
    }
  }
  const running = Array.from({ length: lanes }, lane)
  const end = async () => {
    going = false
    await Promise.all(running)
    return outcomes
  }
  return {
    outcomes,
    end,
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

const goodOf = (outcomes: readonly string[]) => outcomes.filter((outcome) => outcome === '200 ok').length

function trunksOf(mesh: KitMesh): number {
  const services = mesh.ingresses[0]?.node.parts.mesh.status().services ?? []
  return services.flatMap(({ egresses }) => egresses).reduce((sum, { trunks }) => sum + trunks, 0)
}

test('an egress that is stopped under load costs no request: what is under way finishes, what comes goes to the other', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 2, backends: [backend.url], drainMs: 5000 })
  await using running = load(mesh.url)
  await eventually('there is load', () => running.outcomes.length > 200)
  await mesh.egresses[0]?.node.stop()
  const sofar = running.outcomes.length
  await eventually('load goes on', () => running.outcomes.length > sofar + 200)
  const outcomes = await running.end()
  assert.equal(goodOf(outcomes), outcomes.length, String(outcomes.find((outcome) => outcome !== '200 ok')))
})

test('a relay that dies under load costs no idempotent request, and its circuits move', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 4, ingresses: 1, egresses: 2, backends: [backend.url] })
  await using running = load(mesh.url)
  await eventually('there is load', () => running.outcomes.length > 200)
  const circuitsOf = ({ node }: KitNode) => node.status().relay?.circuits ?? 0
  const [dead] = mesh.relays.toSorted((a, b) => circuitsOf(b) - circuitsOf(a)) as [KitNode]
  await dead.node.parts.mesh.stop()
  const sofar = running.outcomes.length
  await eventually('load goes on', () => running.outcomes.length > sofar + 200)
  await eventually('trunks are there again', () => trunksOf(mesh) >= 2)
  const outcomes = await running.end()
  assert.equal(goodOf(outcomes), outcomes.length, String(outcomes.find((outcome) => outcome !== '200 ok')))
})

test('an egress that comes later is found and used', async () => {
  await using first = await backendOf((_request, response) => response.end('first'))
  await using second = await backendOf((_request, response) => response.end('second'))
  await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [first.url] })
  const expose = [{ methods: ['*'], path: '/**' }]
  await mesh.add('late', 'egress', { egress: { services: { api: { backends: [second.url], expose } } } })
  await eventually('the later egress answers', async () => (await (await fetch(mesh.url)).text()) === 'second', 30_000)
})

test('an egress keeps its guards when it starts again', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 6, ingresses: 0, egresses: 1, backends: [backend.url] })
  const [egress] = mesh.egresses
  assert.ok(egress)
  const guardsOf = (node: typeof egress.node) =>
    node.parts.mesh
      .peers()
      .map(({ peer }) => peer)
      .sort()
  await eventually('three guards are linked', () => egress.node.parts.mesh.status().guards?.registered === 3)
  const before = guardsOf(egress.node)
  await egress.node.stop()
  const again = await mesh.restart(egress)
  await eventually('three guards are linked', () => again.node.parts.mesh.status().guards?.registered === 3)
  assert.deepEqual(guardsOf(again.node), before)
})
