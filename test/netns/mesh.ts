import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, postern } from './command.ts'
import { addressOf, backendOf, type EgressName, egressNames, type HostName, type Hosts } from './hosts.ts'
import { type Issued, MeshNode, stolen } from './node.ts'
import { program, type Running, running } from './process.ts'

export const relayNames = ['relay-1', 'relay-2', 'relay-3'] as const
export type RelayName = (typeof relayNames)[number]
export const ingressNames = ['ingress-1', 'ingress-2'] as const
export type IngressName = (typeof ingressNames)[number]
export const nodeNames = [...relayNames, ...ingressNames, ...egressNames] as const

export const relayPort = 4001

export interface MeshOrder {
  /** What the API is called. */
  readonly service: string
  /** Relays that the two ends start from; the others they learn of. */
  readonly bootstrap: Readonly<Record<'ingress' | 'egress', readonly RelayName[]>>
  /** Relays on the way from an ingress; 2 unless said otherwise. */
  readonly pathRelays?: Readonly<Partial<Record<IngressName, number>>>
}

/**
 * Three relays, two egresses with an API behind each, and two ingresses, each a process on a host of its own, ready for
 * requests.
 */
export class NetMesh implements AsyncDisposable {
  readonly apis: Running[] = []
  readonly #hosts: Hosts
  readonly #order: MeshOrder
  readonly #issued = new Map<HostName, Issued>()
  readonly #nodes = new Map<HostName, MeshNode>()
  readonly #stack = new AsyncDisposableStack()

  private constructor(hosts: Hosts, order: MeshOrder) {
    this.#hosts = hosts
    this.#order = order
  }

  static async start(hosts: Hosts, order: MeshOrder): Promise<NetMesh> {
    const mesh = new NetMesh(hosts, order)
    try {
      await mesh.#start()
      return mesh
    } catch (error) {
      await mesh[Symbol.asyncDispose]()
      throw error
    }
  }

  async #start(): Promise<void> {
    const { bootstrap, pathRelays } = this.#order
    await postern('mesh', 'create', 'netns', '--dir', this.authority)
    // One after the other: each writes its address into the mesh file of the authority.
    for (const relay of relayNames) await this.#issue(relay)
    await Promise.all([
      ...[...ingressNames, ...egressNames].map((name) => this.#issue(name)),
      ...egressNames.map((egress) => this.#startApi(backendOf[egress])),
    ])
    await this.#up('relay-1', [])
    await Promise.all((['relay-2', 'relay-3'] as const).map((relay) => this.#up(relay, ['relay-1'])))
    await Promise.all(egressNames.map((egress) => this.#up(egress, bootstrap.egress)))
    await Promise.all(ingressNames.map((name) => this.#up(name, bootstrap.ingress, pathRelays?.[name])))
  }

  async #startApi(host: HostName): Promise<void> {
    const child = this.#hosts.spawn(host, program('api'), ['ignore', 'pipe', 'inherit'])
    this.apis.push(this.#stack.use(await running(child, child.stdout, /ready/)))
  }

  /** The folder of the authority. */
  get authority(): string {
    return join(this.#hosts.folder, 'authority')
  }

  /** The mesh secret, as it stands in its file. */
  get secret(): string {
    return readFileSync(join(this.authority, 'mesh.secret'), 'utf8').trim()
  }

  node(host: HostName): MeshNode {
    const node = this.#nodes.get(host)
    if (node === undefined) throw new Error(`no node runs on ${host}`)
    return node
  }

  /** One more ingress, which may reach all relays, with a credential that ends soon. */
  async addBrief(host: HostName, life: string): Promise<MeshNode> {
    await this.#issue(host, '--life', life)
    return await this.#up(host, relayNames)
  }

  /** Somebody starts a node of his own, which may reach all relays, with the key and the credential of an ingress. */
  async steal(from: IngressName, host: HostName): Promise<MeshNode> {
    this.#issued.set(host, stolen(this.node(from).issued, join(this.#hosts.folder, host)))
    return await this.#run(host, relayNames)
  }

  /** The authority takes back, from a host of its own, what was issued to a node. Answers the relays that were told. */
  revoke(host: HostName): readonly string[] {
    const { credentialName } = this.#of(host)
    const command = [process.execPath, cli, 'revoke', credentialName, '--authority', this.authority, '--json']
    return (JSON.parse(this.#hosts.run('authority', command)) as { told: string[] }).told
  }

  async #issue(host: HostName, ...more: readonly string[]): Promise<void> {
    const folder = join(this.#hosts.folder, host)
    const role = host.replace(/-\d$/, '')
    const credentialName = `${host}-marker-name`
    const options = ['--authority', this.authority, '--role', role, '--name', credentialName, '--out', folder, ...more]
    const own = role === 'relay' ? ['--bootstrap', multiaddrOf(host)] : ['--service', this.#order.service]
    const { peer } = (await postern('mesh', 'issue', ...options, ...own)) as { peer: string }
    this.#issued.set(host, { folder, peer, credentialName })
  }

  /** Starts a node and waits until it can do its work. */
  async #up(host: HostName, bootstrap: readonly RelayName[], pathRelays?: number): Promise<MeshNode> {
    const node = await this.#run(host, bootstrap, pathRelays)
    await node.ready()
    return node
  }

  async #run(host: HostName, bootstrap: readonly RelayName[], pathRelays?: number): Promise<MeshNode> {
    const addresses = bootstrap.map((relay) => `${multiaddrOf(relay)}/p2p/${this.#of(relay).peer}`)
    const order = { config: this.#config(host, pathRelays), bootstrap: addresses }
    const node = await MeshNode.start(this.#hosts, host, this.#of(host), order)
    this.#stack.use(node.process)
    this.#nodes.set(host, node)
    return node
  }

  #of(host: HostName): Issued {
    const issued = this.#issued.get(host)
    if (issued === undefined) throw new Error(`nothing was issued to ${host}`)
    return issued
  }

  #config(host: HostName, pathRelays = 2): object {
    const { service } = this.#order
    if (host.startsWith('relay')) return { relay: { listen: [multiaddrOf(host)] } }
    if (host.startsWith('egress')) {
      const backends = [`http://${addressOf[backendOf[host as EgressName]]}:3000`]
      return {
        egress: { services: { [service]: { backends, expose: [{ methods: ['GET', 'POST'], path: '/v1/**' }] } } },
      }
    }
    const listen = [{ url: `http://${addressOf[host]}:8080` }]
    return { ingress: { listen, routes: [{ service, answerMs: 3000 }], path: { relays: pathRelays } } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

export const multiaddrOf = (host: HostName) => `/ip4/${addressOf[host]}/tcp/${relayPort}`
