import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NodeStatus, TraceStep } from '@postern/node'
import { type Code, PosternError } from '@postern/protocol'
import { askNode } from '../admin-client.ts'
import { colours } from '../colours.ts'
import type { DemoOptions } from '../commands/demo.ts'
import { describeTrace } from '../commands/trace.ts'
import { ms } from '../output.ts'
import { DemoFolders, demoService } from './folders.ts'
import { type Child, type ChildInit, startChild } from './process.ts'

const here = (file: string) =>
  fileURLToPath(new URL(`${file}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
const readyMs = 30_000
const lookMs = 50

interface Readiness {
  readonly ready: boolean
  readonly missing: readonly string[]
}

interface DemoNode {
  readonly dir: string
  readonly child: Child
  readonly status: NodeStatus
}

/** Runs the demo until it is told to stop, or once. Everything it started is gone when it ends. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const demo = new Demo(options)
  const stop = () => void demo.stop().then(() => process.exit(process.exitCode ?? 0))
  // A terminal and npm may both pass on one Ctrl-C: the second must not cut the cleaning short.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // `npm start` keeps a channel to the demo, and may be killed.
  process.on('disconnect', stop)
  process.channel?.unref()
  // It is not there where there was no channel, as for `postern demo` itself.
  if ('connected' in process && !process.connected) return stop()
  try {
    await demo.start()
    if (options.once === true) await demo.once()
    else return demo.present()
  } catch (error) {
    // What breaks off because it is to stop is no failure.
    if (demo.stopping) return
    demo.keepLog()
    await demo.stop()
    throw error
  }
  await demo.stop()
}

class Demo {
  readonly #options: DemoOptions
  readonly #root = mkdtempSync(join(tmpdir(), 'postern-demo-'))
  readonly #log = join(this.#root, 'demo.log')
  readonly #logFd = openSync(this.#log, 'a', 0o600)
  readonly #children: Child[] = []
  readonly #starting: Array<Promise<Child>> = []
  readonly #nodes: DemoNode[] = []
  #authority = ''
  #stopping: Promise<void> | undefined

  constructor(options: DemoOptions) {
    this.#options = options
  }

  get stopping(): boolean {
    return this.#stopping !== undefined
  }

  async start(): Promise<void> {
    const { egresses, relays } = this.#options
    const folders = await DemoFolders.create(this.#root)
    this.#authority = folders.authority
    this.#say(
      `Starting ${relays} relays, ${egresses} egresses, an ingress and an authority, each as a process of its own.`,
    )
    const backend = this.#options.backend ?? (await this.#sampleApi())
    await this.#relay(folders, 1)
    await Promise.all(numbers(2, relays).map((number) => this.#relay(folders, number)))
    const port = this.#options.port ?? (this.#options.once === true ? 0 : 8080)
    await Promise.all([
      ...numbers(1, egresses).map(async (number) =>
        this.#node(`egress-${number}`, await folders.egress(`egress-${number}`, backend)),
      ),
      folders.ingress('ingress', port).then((dir) => this.#node('ingress', dir)),
      folders.authorityNode('authority-node').then((dir) => this.#node('authority-node', dir)),
    ])
    this.#nodes.sort((a, b) => a.child.name.localeCompare(b.child.name))
    await Promise.all(this.#nodes.map((node) => this.#ready(node)))
    for (const { child } of this.#nodes) {
      void child.ended.then(() => {
        if (!this.stopping) this.#say(colours.yellow(`${child.name} (process ${child.pid}) has ended`))
      })
    }
  }

  async #sampleApi(): Promise<string> {
    const command = [here('./sample-api'), 'sample API']
    const api = await this.#start({ name: 'sample API', command, logFd: this.#logFd })
    return `http://127.0.0.1:${(api.ready as { port: number }).port}`
  }

  /** Starts a child that `stop` knows of from the first moment on. */
  async #start(init: ChildInit): Promise<Child> {
    if (this.stopping) throw new PosternError('STOPPED', `the demo ends before ${init.name} has started`)
    const starting = startChild(init).then((child) => {
      this.#children.push(child)
      return child
    })
    this.#starting.push(starting)
    return await starting.catch((error: unknown) => {
      throw this.#reasonInLog() ?? error
    })
  }

  /** What the last child that could not go on has said of it. */
  #reasonInLog(): PosternError | undefined {
    const said = readFileSync(this.#log, 'utf8')
      .trimEnd()
      .split('\n')
      .findLast((line) => line.startsWith('{"error":'))
    if (said === undefined) return undefined
    const { error } = JSON.parse(said) as { error: { code: Code; message: string; remedy?: string } }
    return new PosternError(error.code, error.message, error.remedy === undefined ? {} : { remedy: error.remedy })
  }

  async #relay(folders: DemoFolders, number: number): Promise<void> {
    const name = `relay-${number}`
    const { status } = await this.#node(name, await folders.relay(name))
    await folders.addBootstrap(status.relay?.addresses ?? [])
  }

  async #node(name: string, dir: string): Promise<DemoNode> {
    const command = [process.argv[1] ?? '', 'up', '--json', '--config', join(dir, 'postern.yaml')]
    const child = await this.#start({ name, command, logFd: this.#logFd })
    const node = { dir, child, status: child.ready as NodeStatus }
    this.#nodes.push(node)
    return node
  }

  async #ready({ child, dir }: DemoNode): Promise<void> {
    const until = performance.now() + readyMs
    for (;;) {
      const { missing, ready } = (await askNode(socketOf(dir), '/ready')) as Readiness
      if (ready) return
      if (performance.now() > until)
        throw new PosternError('TIMED_OUT', `${child.name} is not ready: ${missing.join('; ')}`)
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  get #ingress(): DemoNode {
    const found = this.#nodes.find(({ status }) => status.roles.includes('ingress'))
    if (found === undefined) throw new Error('the demo has an ingress')
    return found
  }

  get #url(): string {
    return `${this.#ingress.status.ingress?.urls[0] ?? ''}/`
  }

  present(): void {
    if (this.#options.json === true) {
      const nodes = this.#nodes.map(({ child, dir, status }) => ({
        name: status.name,
        roles: status.roles,
        peerId: status.peer,
        pid: child.pid,
        dir,
      }))
      process.stdout.write(`${JSON.stringify({ url: this.#url, authority: this.#authority, nodes })}\n`)
      return
    }
    const hidden = this.#options.backend ?? 'the sample API'
    this.#say(`\n${colours.green('●')} ${colours.bold(colours.cyan(this.#url))} reaches ${hidden} through the mesh\n`)
    for (const { child, status } of this.#nodes)
      this.#say(`  ${status.name.padEnd(10)} ${colours.dim(`process ${String(child.pid).padEnd(8)} ${status.peer}`)}`)
    this.#say(
      `\n  curl ${this.#url}\n  npx postern trace ${demoService} --config ${join(this.#ingress.dir, 'postern.yaml')}\n  npx postern status --config ${join(this.#nodes[0]?.dir ?? '', 'postern.yaml')}`,
    )
    this.#say(colours.dim(`\n  log: ${this.#log}\n  Ctrl-C ends all of it.`))
  }

  async once(): Promise<void> {
    const startMs = performance.now()
    const response = await fetch(this.#url, { headers: { accept: '*/*' } })
    const body = await response.text()
    const totalMs = performance.now() - startMs
    const steps = (await askNode(socketOf(this.#ingress.dir), `/trace/${demoService}`)) as TraceStep[]
    const timing = response.headers.get('server-timing') ?? ''
    const backendMs = Number(/backend;dur=([\d.]+)/.exec(timing)?.[1] ?? 0)
    if (this.#options.json === true) {
      process.stdout.write(
        `${JSON.stringify({ status: response.status, body, totalMs, backendMs, path: steps.map((step) => ({ name: this.#nameOf(step.peer), ...step })) })}\n`,
      )
    } else {
      this.#say(
        `\n${colours.bold(`${response.status} ${response.statusText}`)} ${colours.dim(`from ${this.#url} after ${ms(totalMs)}, ${ms(backendMs)} of it in the hidden API`)}\n\n${body}`,
      )
      this.#say(
        `The way it took, from ${this.#ingress.status.name}:\n\n${describeTrace(steps, (peer) => `${this.#nameOf(peer).padEnd(9)} ${peer}`)}\n`,
      )
    }
    if (!response.ok) throw new PosternError('SERVICE_UNREACHABLE', `the request was answered with ${response.status}`)
  }

  #nameOf(peer: string): string {
    return this.#nodes.find(({ status }) => status.peer === peer)?.status.name ?? peer
  }

  /** Shows the end of the log: it says why the demo failed. */
  keepLog(): void {
    const tail = readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-10)
    if (tail.join('') !== '') process.stderr.write(`${colours.dim(tail.join('\n'))}\n`)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    await Promise.allSettled(this.#starting)
    const isRelay = (child: Child) =>
      this.#nodes.some((node) => node.child === child && node.status.roles.includes('relay'))
    const relays = this.#children.filter(isRelay)
    // Those who stand on relays leave first, while they can still say so.
    await Promise.all(this.#children.filter((child) => !isRelay(child)).map((child) => child.stop()))
    await Promise.all(relays.map((relay) => relay.stop()))
    closeSync(this.#logFd)
    rmSync(this.#root, { recursive: true, force: true })
  }

  #say(text: string): void {
    if (this.#options.json !== true) process.stdout.write(`${text}\n`)
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at)
}

function socketOf(dir: string): string {
  return join(dir, 'state', 'admin.sock')
}
