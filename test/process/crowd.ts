import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Authority, addBootstrap, createAuthority, issueNode } from '@postern/identity'
import { eventually, type KitNode } from '@postern/test-kit'
import { askAdmin, postern, tied } from './command.ts'

type Status = ReturnType<KitNode['node']['status']>
type Role = 'relay' | 'ingress' | 'egress'

export interface CrowdNode {
  readonly name: string
  readonly url: string
  status(): Promise<Status>
}

/** Many nodes, each a process of its own; all are ended at the end of the block that uses them. */
export interface Crowd extends AsyncDisposable {
  readonly authority: string
  readonly relays: readonly CrowdNode[]
  readonly ingresses: readonly CrowdNode[]
  readonly egresses: readonly CrowdNode[]
}

/** How many start at a time: more would only wait for each other. */
const abreast = 4

export async function crowdOf(backend: string, count: Readonly<Record<Role, number>>): Promise<Crowd> {
  await using stack = new AsyncDisposableStack()
  const root = stack.adopt(mkdtempSync(join(tmpdir(), 'postern-crowd-')), (folder) =>
    rmSync(folder, { recursive: true, force: true }),
  )
  let authority = await createAuthority(join(root, 'authority'), 'crowd')
  const configs = {
    relay: { relay: { listen: ['/ip4/127.0.0.1/tcp/0'] } },
    egress: { egress: { services: { api: { backends: [backend], expose: [{ methods: ['*'], path: '/**' }] } } } },
    ingress: {
      ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service: 'api' }], path: { trunks: 1 } },
    },
  } as const
  const start = async (role: Role, number: number): Promise<CrowdNode> => {
    const name = `${role}-${number}`
    const node = await startOne(stack, authority, join(root, name), { name, role, config: configs[role] })
    authority = await addBootstrap(authority, (await node.status()).relay?.addresses ?? [])
    return node
  }
  const many = async (role: Role, first = 1): Promise<CrowdNode[]> => {
    const nodes: CrowdNode[] = []
    for (let number = first; number <= count[role]; number += abreast) {
      const last = Math.min(number + abreast - 1, count[role])
      const numbers = Array.from({ length: last - number + 1 }, (_, at) => number + at)
      nodes.push(...(await Promise.all(numbers.map((each) => start(role, each)))))
    }
    return nodes
  }
  // Nobody can start from a relay that is not there yet.
  const relays = [await start('relay', 1), ...(await many('relay', 2))]
  const egresses = await many('egress')
  const ingresses = await many('ingress')
  await eventually(
    'every ingress serves',
    async () => {
      const statuses = await Promise.all(ingresses.map(async ({ url }) => (await fetch(url)).status))
      return statuses.every((status) => status === 200)
    },
    60_000,
  )
  const ending = stack.move()
  return {
    authority: authority.folder,
    relays,
    ingresses,
    egresses,
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

async function startOne(
  stack: AsyncDisposableStack,
  authority: Authority,
  folder: string,
  { config, name, role }: { readonly name: string; readonly role: Role; readonly config: object },
): Promise<CrowdNode> {
  await issueNode(authority, folder, { name, roles: [role], services: role === 'relay' ? [] : ['api'] })
  const file = join(folder, 'postern.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ log: { level: 'silent' }, drainMs: 0, ...config }))
  const [program = '', ...words] = postern('up', '--json', '--config', file)
  const child = tied(spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] }))
  const exit = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exit.then(([code]) => Promise.reject(new Error(`${name} ended with ${String(code)}`))),
  ])) as [string]
  const { ingress } = JSON.parse(line) as Status
  return {
    name,
    url: ingress?.urls[0] ?? '',
    status: async () => (await askAdmin(join(folder, 'state', 'admin.sock'), '/status')) as Status,
  }
}
