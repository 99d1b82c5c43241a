import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Authority, addBootstrap, createAuthority, issueNode, loadAuthority, revoke } from '@postern/identity'
import {
  announceBulletin,
  type Config,
  checkConfig,
  joinMesh,
  type PosternNode,
  readiness,
  startNode,
} from '@postern/node'
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
  readonly relay?: Readonly<Record<string, unknown>>
  readonly ingress?: Readonly<Record<string, unknown>>
  readonly service?: Readonly<Record<string, unknown>>
  readonly drainMs?: number
  /** Workers of every ingress and egress; none unless said otherwise. */
  readonly workers?: number
  /** Nodes of the role authority; none unless said otherwise. */
  readonly authorities?: number
  /** Called when the relays run, before anyone else starts; answers with the addresses of more relays to start from. */
  readonly besideRelays?: (authority: Authority) => Promise<readonly string[]>
}

export interface KitNode {
  readonly name: string
  readonly folder: string
  readonly config: Config
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
  readonly authorities: readonly KitNode[]
  /** Makes and starts another node of the same mesh; `prepare` may change its folder before it starts. */
  add(
    name: string,
    role: Role,
    config: Readonly<Record<string, unknown>>,
    services?: readonly string[],
    prepare?: (folder: string) => void | Promise<void>,
  ): Promise<KitNode>
  /** Joins by an invite, and starts. */
  join(invite: string, name: string, config: Readonly<Record<string, unknown>>): Promise<KitNode>
  /** Takes back what was issued to a node, as an operator does; answers with how many relays were told. */
  revoke(who: string): Promise<number>
  /** Starts a stopped node again, from its folder. */
  restart(stopped: Omit<KitNode, 'node'>): Promise<KitNode>
}

export async function meshOf(order: MeshOrder): Promise<KitMesh> {
  const mesh = new Founded(
    order,
    await createAuthority(join(mkdtempSync(join(tmpdir(), 'postern-kit-')), 'authority'), 'kit'),
  )
  try {
    await mesh.populate()
    return mesh
  } catch (error) {
    await mesh[Symbol.asyncDispose]()
    throw error
  }
}

class Founded implements KitMesh {
  authority: Authority
  relays: KitNode[] = []
  ingresses: KitNode[] = []
  egresses: KitNode[] = []
  authorities: KitNode[] = []
  readonly #order: MeshOrder
  readonly #root: string
  readonly #started: KitNode[] = []

  constructor(order: MeshOrder, authority: Authority) {
    this.#order = order
    this.authority = authority
    this.#root = dirname(authority.folder)
  }

  get urls(): string[] {
    return this.ingresses.map(({ node }) => node.status().ingress?.urls[0] ?? '')
  }

  get url(): string {
    return this.urls[0] ?? ''
  }

  async populate(): Promise<void> {
    const { backends, besideRelays, egresses, expose, ingress, ingresses, pathRelays, relays, service } = this.#order
    const workers = this.#order.workers ?? 0
    const relay = { listen: ['/ip4/127.0.0.1/tcp/0'], ...this.#order.relay }
    const offered = { backends, expose: expose ?? [{ methods: ['*'], path: '/**' }], ...service }
    const door = {
      listen: [{ url: 'http://127.0.0.1:0' }],
      routes: [{ service: 'api' }],
      path: { relays: pathRelays ?? 2 },
      ...ingress,
    }
    this.relays = await this.#many(relays, 'relay', { relay })
    this.authority = await addBootstrap(this.authority, (await besideRelays?.(this.authority)) ?? [])
    this.egresses = await this.#many(egresses, 'egress', { workers, egress: { services: { api: offered } } })
    const folder = this.authority.folder
    this.authorities = await this.#many(this.#order.authorities ?? 0, 'authority', { authority: { folder } })
    this.ingresses = await this.#many(ingresses, 'ingress', { workers, ingress: door })
    await eventually('the mesh is ready', () => this.#started.every(({ node }) => readiness(node.status()).ready))
  }

  async #many(count: number, role: Role, config: Readonly<Record<string, unknown>>): Promise<KitNode[]> {
    const nodes: KitNode[] = []
    for (let number = 1; number <= count; number++) nodes.push(await this.add(`${role}-${number}`, role, config))
    return nodes
  }

  async add(
    name: string,
    role: Role,
    config: Readonly<Record<string, unknown>>,
    services: readonly string[] = ['api'],
    prepare?: (folder: string) => void | Promise<void>,
  ): Promise<KitNode> {
    const folder = join(this.#root, name)
    await issueNode(this.authority, folder, { name, roles: [role], services })
    await prepare?.(folder)
    const started = await this.#start(name, folder, config)
    const addresses = started.node.status().relay?.addresses ?? []
    if (addresses.length > 0) this.authority = await addBootstrap(this.authority, addresses)
    return started
  }

  async join(invite: string, name: string, config: Readonly<Record<string, unknown>>): Promise<KitNode> {
    const folder = join(this.#root, name)
    await joinMesh({ invite, folder })
    return await this.#start(name, folder, config)
  }

  #start(name: string, folder: string, config: Readonly<Record<string, unknown>>): Promise<KitNode> {
    const value = { log: { level: 'silent' }, drainMs: this.#order.drainMs ?? 500, ...config }
    const checked = checkConfig({ value, origin: () => 'kit' }, join(folder, 'postern.yaml'))
    return this.restart({ name, folder, config: checked })
  }

  async revoke(who: string): Promise<number> {
    await revoke(this.authority, who)
    return (await announceBulletin(await loadAuthority(this.authority.folder))).told.length
  }

  async restart(stopped: Omit<KitNode, 'node'>): Promise<KitNode> {
    const { config, folder, name } = stopped
    const started = { name, folder, config, node: await startNode({ config }) }
    this.#started.push(started)
    return started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isRelay = ({ config }: KitNode) => config.relay !== undefined
    await Promise.all(this.#started.filter((each) => !isRelay(each)).map(({ node }) => node.stop()))
    await Promise.all(this.#started.filter(isRelay).map(({ node }) => node.stop()))
    rmSync(this.#root, { recursive: true, force: true })
  }
}
