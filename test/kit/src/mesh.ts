import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, addBootstrap, createAuthority, issueNode } from '@postern/identity'
import { checkConfig, type PosternNode, readiness, startNode } from '@postern/node'
import type { Role } from '@postern/protocol'
import { eventually } from './eventually.ts'

export interface MeshOrder {
  readonly relays: number
  readonly ingresses: number
  readonly egresses: number
  /** URLs of the backends of the service `api`. */
  readonly backends: readonly string[]
  /** What of the service is exposed; everything unless said otherwise. */
  readonly expose?: ReadonlyArray<{ methods: readonly string[]; path: string }>
  /** Relays on the way; 2 unless said otherwise. */
  readonly pathRelays?: number
  /** More config, merged over that of the role. */
  readonly ingress?: Readonly<Record<string, unknown>>
  readonly service?: Readonly<Record<string, unknown>>
  readonly drainMs?: number
}

export interface KitNode {
  readonly name: string
  readonly folder: string
  readonly node: PosternNode
}

/** A whole mesh over real TCP in this process, ready for requests; disposed of at the end of the block that uses it. */
export interface KitMesh extends AsyncDisposable {
  readonly url: string
  readonly urls: readonly string[]
  readonly authority: Authority
  readonly relays: readonly KitNode[]
  readonly ingresses: readonly KitNode[]
  readonly egresses: readonly KitNode[]
  /** Makes and starts another node of the same mesh. */
  add(
    name: string,
    role: Role,
    config: Readonly<Record<string, unknown>>,
    services?: readonly string[],
  ): Promise<KitNode>
}

export async function meshOf(order: MeshOrder): Promise<KitMesh> {
  const root = mkdtempSync(join(tmpdir(), 'postern-kit-'))
  let authority = await createAuthority(join(root, 'authority'), 'kit')
  const started: KitNode[] = []
  const add: KitMesh['add'] = async (name, role, config, services = ['api']) => {
    const folder = join(root, name)
    await issueNode(authority, folder, { name, roles: [role], services })
    const value = { log: { level: 'silent' }, drainMs: order.drainMs ?? 500, ...config }
    const node = await startNode({ config: checkConfig({ value, origin: () => 'kit' }, join(folder, 'postern.yaml')) })
    const kitNode = { name, folder, node }
    started.push(kitNode)
    if (role === 'relay') authority = addBootstrap(authority, node.status().relay?.addresses ?? [])
    return kitNode
  }
  const many = async (count: number, make: (number: number) => Promise<KitNode>) => {
    const nodes: KitNode[] = []
    for (let number = 1; number <= count; number++) nodes.push(await make(number))
    return nodes
  }

  const relays = await many(order.relays, (n) =>
    add(`relay-${n}`, 'relay', { relay: { listen: ['/ip4/127.0.0.1/tcp/0'] } }),
  )
  const expose = order.expose ?? [{ methods: ['*'], path: '/**' }]
  const service = { backends: order.backends, expose, ...order.service }
  const egresses = await many(order.egresses, (n) =>
    add(`egress-${n}`, 'egress', { egress: { services: { api: service } } }),
  )
  const ingress = {
    listen: [{ url: 'http://127.0.0.1:0' }],
    routes: [{ service: 'api' }],
    path: { relays: order.pathRelays ?? 2 },
    ...order.ingress,
  }
  const ingresses = await many(order.ingresses, (n) => add(`ingress-${n}`, 'ingress', { ingress }))
  await eventually('the mesh is ready', () => started.every(({ node }) => readiness(node.status()).ready))
  const urls = ingresses.map(({ node }) => node.status().ingress?.urls[0] ?? '')
  return {
    url: urls[0] ?? '',
    urls,
    relays,
    ingresses,
    egresses,
    add,
    get authority() {
      return authority
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.filter(({ name }) => !name.startsWith('relay')).map(({ node }) => node.stop()))
      await Promise.all(started.map(({ node }) => node.stop()))
      rmSync(root, { recursive: true, force: true })
    },
  }
}
