import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { environment, node, root } from '../setup.mjs'
import { ask } from './ask.mjs'
import { until, within } from './deadline.mjs'
import { freePorts } from './ports.mjs'

export const cli = join(root, 'packages/cli/bin/postern.mjs')
const commandMs = 60_000
const readyMs = 60_000

/** The service of a mesh that has only one. */
export const service = 'api'

/** Starts an ingress, one relay and an egress before the backend, as the CLI makes and runs them: `{ url, nodes }`. */
export async function startMesh({ workshop, backend, egress = {}, ingress = {} }) {
  const mesh = await Mesh.found(workshop)
  const relay = await mesh.relay('relay')
  const far = await mesh.egress('egress', { [service]: { backends: [backend], ...egress } })
  const near = await mesh.ingress('ingress', { path: { relays: 1 }, ...ingress })
  await mesh.ready()
  return { url: near.url, nodes: [near, relay, far] }
}

/** A mesh whose nodes are processes in a workshop. Nodes are `{ name, pid, url, stop, status }`. */
export class Mesh {
  #workshop
  #authority
  #nodes = []

  constructor(workshop, authority) {
    this.#workshop = workshop
    this.#authority = authority
  }

  /** `authority` names the folder of the authority, and the mesh; nodes of all meshes of a workshop have names of their own. */
  static async found(workshop, authority = 'authority') {
    const mesh = new Mesh(workshop, authority)
    await mesh.#postern(['mesh', 'create', authority, '--dir', authority])
    return mesh
  }

  get nodes() {
    return [...this.#nodes]
  }

  /** Relays come first: the others start from those there are when they are issued. */
  async relay(name, relay = {}) {
    const [port] = await freePorts(1)
    const address = `/ip4/127.0.0.1/tcp/${port}`
    await this.issue('relay', name, [`--bootstrap=${address}`])
    return this.up(name, { relay: { listen: [address], ...relay } })
  }

  /** `services` is as in the config, but backends are ports of this machine, and everything of them is offered. */
  async egress(name, services, granted = Object.keys(services)) {
    const offered = Object.entries(services).map(([each, { backends, ...rest }]) => [
      each,
      {
        backends: backends.map((port) => `http://127.0.0.1:${port}`),
        expose: [{ methods: ['*'], path: '/**' }],
        ...rest,
      },
    ])
    await this.issue('egress', name, grants(granted))
    return this.up(name, { egress: { services: Object.fromEntries(offered) } })
  }

  async ingress(name, settings = {}, granted = [service]) {
    await this.issue('ingress', name, grants(granted))
    return this.up(name, ingressConfig(settings))
  }

  /** Makes a node's folder. */
  async issue(role, name, options) {
    const args = [
      'mesh',
      'issue',
      `--authority=${this.#authority}`,
      `--role=${role}`,
      `--name=${name}`,
      `--out=${name}`,
    ]
    await this.#postern([...args, ...options])
  }

  /** Takes back what was issued to a node. */
  async revoke(name) {
    await this.#postern(['revoke', name, `--authority=${this.#authority}`])
  }

  /** Runs a node that was issued, and yields it when it is up. */
  async up(name, roles) {
    const { stdout, died, ...rest } = this.launch(name, roles)
    const line = new Promise((resolve) => createInterface({ input: stdout }).once('line', resolve))
    const said = JSON.parse(await within(readyMs, `starting ${name}`, Promise.race([line, died])))
    const status = () => this.#ask(name, '/status')
    const made = { name, url: said.ingress?.urls[0], status, ask: (path) => this.#ask(name, path), ...rest }
    this.#nodes.push(made)
    return made
  }

  /** Starts the process of a node that was issued: `{ pid, stdout, died, stop }`. */
  launch(name, roles) {
    const file = join(this.#workshop.folder, name, 'postern.yaml')
    writeFileSync(file, JSON.stringify({ log: { level: 'warn' }, drainMs: 1000, ...roles }))
    const args = [cli, 'up', '--json', '--config', file]
    return this.#workshop.start(`mesh-${name}`, node, args, { env: productive(), channel: true })
  }

  /** Waits until every node is, where some are busy for longer than a question may take. */
  async ready(ms = readyMs) {
    const isReady = ({ ask: question }) =>
      question('/ready').then(
        ({ ready }) => ready,
        () => false,
      )
    await Promise.all(this.#nodes.map((each) => until(ms, `readiness of ${each.name}`, () => isReady(each))))
  }

  /** What a node says on its admin socket. */
  async #ask(name, path) {
    const socketPath = join(this.#workshop.folder, name, 'state', 'admin.sock')
    const { body } = await ask({ socketPath, path })
    return JSON.parse(body.toString())
  }

  #postern(args) {
    return this.#workshop.run(commandMs, node, [cli, ...args], { env: productive() })
  }
}

/** The config of an ingress on any free port, with one route for everything unless said otherwise. */
export function ingressConfig(settings) {
  return { ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service }], ...settings } }
}

export const grants = (services) => services.map((each) => `--service=${each}`)

/** Settings of the user's own nodes, which come in such variables, must not reach the ones measured. */
export function productive() {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('POSTERN_'))
  return { ...Object.fromEntries(kept), NODE_ENV: 'production' }
}
