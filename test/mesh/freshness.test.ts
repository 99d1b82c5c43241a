import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revoke } from '@postern/identity'
import { backendOf, eventually, HostileRelay, type KitNode, meshOf } from '@postern/test-kit'

const door = { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }], path: { relays: 1 } }
const statusAt = async (url: string) => (await fetch(url)).status
const urlOf = ({ node }: KitNode) => node.status().ingress?.urls[0] ?? ''
const sequenceOf = ({ node }: KitNode) => node.status().bulletin.sequence
const warned = ({ node }: KitNode) => node.status().warnings.filter(({ code }) => code === 'BULLETIN_WITHHELD')
const nobody = '12D3KooWQPVJse3iaZhZnfc3FpUR3vh6zhoCWtR7vgoQdVj5yiGv'

test('a bulletin that the only relay withholds reaches the other end over a circuit, and the relay is named', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using stack = new AsyncDisposableStack()
  const relays: HostileRelay[] = []
  const mesh = stack.use(
    await meshOf({
      relays: 0,
      ingresses: 0,
      egresses: 1,
      backends: [backend.url],
      async besideRelays(authority) {
        // It serves no bulletins: what it is told stays with it.
        const relay = stack.use(await HostileRelay.start({ authority, conduct: {}, backend: backend.url }))
        relays.push(relay)
        return relay.addresses
      },
    }),
  )
  const ingress = await mesh.add('door', 'ingress', { ingress: door, freshness: { withheldMs: 300 } })
  await eventually('it serves', async () => (await statusAt(urlOf(ingress))) === 200)
  const [egress] = mesh.egresses as [KitNode]
  const { sealed } = await revoke(mesh.authority, nobody)
  assert.equal(await egress.node.parts.mesh.announce(sealed), true)
  await eventually('the other end has it', () => sequenceOf(ingress) === 1)
  await eventually('the relay is named', () => warned(ingress).length === 1)
  assert.match(warned(ingress)[0]?.cause ?? '', new RegExp(`^relay …${relays[0]?.peer.slice(-8)} held bulletin 1 back`))
  assert.equal(warned(egress).length, 0)
})

test('an end that comes with an older bulletin is given the newer one by the far end, and relays that pass on are blamed for nothing', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 2, ingresses: 1, egresses: 1, backends: [backend.url] })
  const all = [...mesh.relays, ...mesh.ingresses, ...mesh.egresses]
  assert.ok((await mesh.revoke(nobody)) > 0)
  await eventually('all have it', () => all.every((each) => sequenceOf(each) === 1))
  assert.equal(await statusAt(mesh.url), 200)
  assert.deepEqual(all.flatMap(warned), [])
})

test('a strict node makes and takes no call before the authority is heard, nor when it is not for long, and says so', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  await using mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const freshness = { staleMs: 4000, strict: true }
  const expose = [{ methods: ['*'], path: '/**' }]
  const egress = await mesh.add('egress', 'egress', {
    egress: { services: { api: { backends: [backend.url], expose } } },
    freshness,
  })
  const strict = await mesh.add('strict', 'ingress', { ingress: door, freshness })
  const lax = await mesh.add('lax', 'ingress', { ingress: door })
  const isSilent = ({ node }: KitNode) => node.status().warnings.some(({ code }) => code === 'AUTHORITY_SILENT')
  await eventually('the egress takes no call', async () => (await statusAt(urlOf(lax))) === 403)
  assert.equal(await statusAt(urlOf(strict)), 503)
  assert.deepEqual([strict, egress, lax].map(isSilent), [true, true, false])
  assert.equal(backend.requests, 0)

  const runs = { authority: { folder: mesh.authority.folder, heartbeatMs: 1000 } }
  const authority = await mesh.add('authority-1', 'authority', runs)
  await eventually('calls are made and taken', async () => (await statusAt(urlOf(strict))) === 200)
  assert.deepEqual([strict, egress, lax].map(isSilent), [false, false, false])
  await authority.node.stop()
  await eventually(
    'they are no more',
    async () => (await statusAt(urlOf(strict))) === 503 && (await statusAt(urlOf(lax))) === 403,
  )
  assert.deepEqual([strict, egress, lax].map(isSilent), [true, true, false])
  await mesh.restart(authority)
  await eventually('they are again', async () => (await statusAt(urlOf(strict))) === 200)
})
