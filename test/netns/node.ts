import { createPublicKey } from 'node:crypto'
import { closeSync, cpSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@postern/test-kit'
import { askAdmin } from './admin.ts'
import { cli } from './command.ts'
import type { HostName, Hosts } from './hosts.ts'
import { type Running, running } from './process.ts'

/** A node folder, made by the authority's commands. */
export interface Issued {
  readonly folder: string
  readonly peer: string
  /** The name in its credential. */
  readonly credentialName: string
}

/** A node's process on a host. */
export class MeshNode {
  readonly host: HostName
  readonly process: Running
  readonly issued: Issued

  private constructor(host: HostName, issued: Issued, process: Running) {
    this.host = host
    this.issued = issued
    this.process = process
  }

  /** Starts what was issued with a config, and with the addresses of the relays that it starts from. */
  static async start(
    hosts: Hosts,
    host: HostName,
    issued: Issued,
    order: { readonly config: object; readonly bootstrap: readonly string[] },
  ): Promise<MeshNode> {
    const { folder } = issued
    const meshFile = join(folder, 'mesh.json')
    const mesh = JSON.parse(readFileSync(meshFile, 'utf8')) as object
    writeFileSync(meshFile, JSON.stringify({ ...mesh, bootstrap: order.bootstrap }))
    // JSON is YAML.
    const configFile = join(folder, 'postern.yaml')
    writeFileSync(configFile, JSON.stringify({ log: { level: 'debug' }, drainMs: 500, ...order.config }))
    const log = openSync(join(folder, 'log'), 'a', 0o600)
    try {
      const command = [process.execPath, cli, 'up', '--json', '--config', configFile]
      const child = hosts.spawn(host, command, ['ignore', 'pipe', log])
      return new MeshNode(host, issued, await running(child, child.stdout, /^\{.*\}$/m))
    } finally {
      closeSync(log)
    }
  }

  get peer(): string {
    return this.issued.peer
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
    return readFileSync(join(this.issued.folder, name), 'utf8')
  }

  ask(path: string): Promise<unknown> {
    return askAdmin(join(this.issued.folder, 'state/admin.sock'), path)
  }

  async ready(): Promise<void> {
    const isReady = async () => ((await this.ask('/ready')) as { ready: boolean }).ready
    try {
      await eventually(`${this.host} is ready`, isReady, 120_000)
    } catch (cause) {
      throw new Error(`${this.host} is not ready; its log ends:\n${this.log.slice(-2000)}`, { cause })
    }
  }
}

/** Copies what a thief needs of a node: its key and credential, the mesh file and the mesh secret. */
export function stolen(issued: Issued, folder: string): Issued {
  for (const file of ['mesh.json', 'mesh.secret', 'state/node.key', 'state/credential.jws'])
    cpSync(join(issued.folder, file), join(folder, file))
  return { ...issued, folder }
}
