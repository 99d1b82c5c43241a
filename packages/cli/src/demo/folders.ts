import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Authority, addBootstrap, createAuthority, issueNode } from '@postern/identity'
import type { Role } from '@postern/protocol'
import { stringify } from 'yaml'

export const demoService = 'api'

/** What the demo starts: folders with keys and configs, made as the authority's commands make them. */
export class DemoFolders {
  readonly root: string
  #authority: Authority

  private constructor(root: string, authority: Authority) {
    this.root = root
    this.#authority = authority
  }

  static async create(root: string): Promise<DemoFolders> {
    mkdirSync(root, { recursive: true, mode: 0o700 })
    return new DemoFolders(root, await createAuthority(join(root, 'authority'), 'demo'))
  }

  get authority(): string {
    return this.#authority.folder
  }

  /** Nodes made from now on start from these addresses too. */
  async addBootstrap(addresses: readonly string[]): Promise<void> {
    this.#authority = await addBootstrap(this.#authority, addresses)
  }

  authorityNode(name: string): Promise<string> {
    return this.#node(name, 'authority', [], { authority: { folder: this.authority } })
  }

  relay(name: string): Promise<string> {
    return this.#node(name, 'relay', [], { relay: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
  }

  egress(name: string, backend: string): Promise<string> {
    const service = { backends: [backend], expose: [{ methods: ['*'], path: '/**' }] }
    return this.#node(name, 'egress', [demoService], { egress: { services: { [demoService]: service } } })
  }

  ingress(name: string, port: number): Promise<string> {
    return this.#node(name, 'ingress', [demoService], {
      ingress: {
        listen: [{ url: `http://127.0.0.1:${port}` }],
        routes: [{ service: demoService }],
        serverTiming: true,
      },
    })
  }

  async #node(name: string, role: Role, services: readonly string[], config: object): Promise<string> {
    const folder = join(this.root, name)
    await issueNode(this.#authority, folder, { name, roles: [role], services })
    writeFileSync(join(folder, 'postern.yaml'), stringify(config))
    return folder
  }
}
