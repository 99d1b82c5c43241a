import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '@postern/test-kit'
import { askAdmin } from './admin.ts'
import { addressOf, type Hosts } from './hosts.ts'
import { program, type Running, running } from './process.ts'

const cli = fileURLToPath(new URL('../../packages/cli/bin/postern.mjs', import.meta.url))

export const relayNames = ['relay-1', 'relay-2', 'relay-3'] as const
export type RelayName = (typeof relayNames)[number]
export const nodeNames = [...relayNames, 'ingress', 'egress'] as const
export type NodeName = (typeof nodeNames)[number]

export const relayPort = 4001

export interface MeshOrder {
  /** What the API is called. */
  readonly service: string
  /** Relays that the two ends start from; the others they learn of. */
  readonly bootstrap: Readonly<Record<'ingress' | 'egress', readonly RelayName[]>>
}

/** A node folder, made by the authority's commands. */
interface Issued {
  readonly name: NodeName
  readonly folder: string
  readonly peer: string
}

export class MeshNode {
  readonly #issued: Issued
  readonly process: Running

  constructor(issued: Issued, process: Running) {
    this.#issued = issued
    this.process = process
  }

  get name(): NodeName {
    return this.#issued.name
  }

  get peer(): string {
    return this.#issued.peer
  }

  /** The octets that the peer id is made of. */
  get publicKey(): Buffer {
    const { x = '' } = createPublicKey(this.#file('state/node.key')).export({ format: 'jwk' })
    return Buffer.from(x, 'base64url')
  }

  get log(): string {
    return this.#file('log')
  }

  #file(name: string): string {
    return readFileSync(join(this.#issued.folder, name), 'utf8')
  }

  ask(path: string): Promise<unknown> {
    return askAdmin(join(this.#issued.folder, 'state/admin.sock'), path)
  }

  async ready(): Promise<void> {
    const isReady = async () => ((await this.ask('/ready')) as { ready: boolean }).ready
    try {
      await eventually(`${this.name} is ready`, isReady, 30_000)
    } catch (cause) {
      throw new Error(`${this.name} is not ready; its log ends:\n${this.log.slice(-2000)}`, { cause })
    }
  }
}

/** The API, three relays, an egress and an ingress, each a process on a host of its own, ready for requests. */
export class NetMesh implements AsyncDisposable {
  /** The mesh secret, as it stands in its file. */
  readonly secret: string
  readonly api: Running
  readonly #nodes: ReadonlyMap<NodeName, MeshNode>
  readonly #stack: AsyncDisposableStack

  private constructor(
    secret: string,
    api: Running,
    nodes: ReadonlyMap<NodeName, MeshNode>,
    stack: AsyncDisposableStack,
  ) {
    this.secret = secret
    this.api = api
    this.#nodes = nodes
    this.#stack = stack
  }

  static async start(hosts: Hosts, order: MeshOrder): Promise<NetMesh> {
    await using stack = new AsyncDisposableStack()
    const child = hosts.spawn('backend', program('api'), ['ignore', 'pipe', 'inherit'])
    const api = stack.use(await running(child, child.stdout, /ready/))

    const folders = await issueAll(hosts.folder, order.service)
    const nodes = new Map<NodeName, MeshNode>()
    const up = async (name: NodeName, config: object, bootstrap: readonly RelayName[]) => {
      const issued = folders(name)
      const addresses = bootstrap.map((relay) => `${multiaddrOf(relay)}/p2p/${folders(relay).peer}`)
      const node = new MeshNode(issued, await start(hosts, issued, config, addresses))
      stack.use(node.process)
      nodes.set(name, node)
      await node.ready()
    }
    await up('relay-1', relayConfig('relay-1'), [])
    await Promise.all([
      up('relay-2', relayConfig('relay-2'), ['relay-1']),
      up('relay-3', relayConfig('relay-3'), ['relay-1']),
    ])
    await up('egress', egressConfig(order.service), order.bootstrap.egress)
    await up('ingress', ingressConfig(order.service), order.bootstrap.ingress)
    const secret = readFileSync(join(hosts.folder, 'authority/mesh.secret'), 'utf8').trim()
    return new NetMesh(secret, api, nodes, stack.move())
  }

  node(name: NodeName): MeshNode {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`no ${name} runs`)
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

async function issueAll(root: string, service: string): Promise<(name: NodeName) => Issued> {
  const authority = join(root, 'authority')
  await postern('mesh', 'create', 'netns', '--dir', authority)
  const issue = async (name: NodeName): Promise<Issued> => {
    const folder = join(root, name)
    const role = name.replace(/-\d$/, '')
    const covered = role === 'relay' ? [] : ['--service', service]
    const options = ['--authority', authority, '--role', role, ...covered, '--name', name, '--out', folder]
    const { peer } = (await postern('mesh', 'issue', ...options)) as { peer: string }
    return { name, folder, peer }
  }
  const issued = await Promise.all(nodeNames.map(issue))
  return (name) => {
    const found = issued.find((each) => each.name === name)
    if (found === undefined) throw new Error(`nothing was issued to ${name}`)
    return found
  }
}

async function postern(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args, '--json'])
  return JSON.parse(stdout) as unknown
}

function start(hosts: Hosts, { folder, name }: Issued, config: object, bootstrap: readonly string[]): Promise<Running> {
  const meshFile = join(folder, 'mesh.json')
  const mesh = JSON.parse(readFileSync(meshFile, 'utf8')) as object
  writeFileSync(meshFile, JSON.stringify({ ...mesh, bootstrap }))
  // JSON is YAML.
  const configFile = join(folder, 'postern.yaml')
  writeFileSync(configFile, JSON.stringify({ log: { level: 'debug' }, drainMs: 500, ...config }))
  const log = openSync(join(folder, 'log'), 'a', 0o600)
  try {
    const command = [process.execPath, cli, 'up', '--json', '--config', configFile]
    const child = hosts.spawn(name, command, ['ignore', 'pipe', log])
    return running(child, child.stdout, /^\{.*\}$/m)
  } finally {
    closeSync(log)
  }
}

const multiaddrOf = (relay: RelayName) => `/ip4/${addressOf[relay]}/tcp/${relayPort}`
const relayConfig = (relay: RelayName) => ({ relay: { listen: [multiaddrOf(relay)] } })
const egressConfig = (service: string) => ({
  egress: {
    services: {
      [service]: {
        backends: [`http://${addressOf.backend}:3000`],
        expose: [{ methods: ['GET', 'POST'], path: '/v1/**' }],
      },
    },
  },
})
const ingressConfig = (service: string) => ({
  ingress: { listen: [{ url: `http://${addressOf.ingress}:8080` }], routes: [{ service }] },
})
