import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { said } from './command.ts'

const onMesh = ['client', 'ingress', 'relay-1', 'relay-2', 'relay-3', 'egress', 'stranger'] as const

export type HostName = (typeof onMesh)[number] | 'backend'

/** Where each host is reached. Host and network have one number, so that no address is the beginning of another. */
export const addressOf = {
  client: '10.77.1.2',
  ingress: '10.77.2.2',
  'relay-1': '10.77.3.2',
  'relay-2': '10.77.4.2',
  'relay-3': '10.77.5.2',
  egress: '10.77.6.2',
  stranger: '10.77.7.2',
  backend: '10.78.0.2',
} as const satisfies Readonly<Record<HostName, string>>

/** The egress's leg to the backend. */
export const innerAddress = '10.78.0.1'

const settings = { ip4: '/proc/sys/net/ipv4/ip_forward', ip6: '/proc/sys/net/ipv6/conf/all/disable_ipv6' } as const
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Hosts as network namespaces. Each has a network of its own behind one router, so that a capture on a host holds no
 * packet of another. The backend hangs on the egress alone; the router sends what is meant for it there, and it would
 * answer anyone, so that nothing but the egress host keeps others out. Disposing, and the end of this process by a signal
 * too, kills what still runs in them.
 */
export class Hosts implements Disposable {
  /** Where files lie that belong to the hosts; it goes with them. */
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-netns-'))
  readonly #made: string[] = []
  readonly #atExit = () => this[Symbol.dispose]()
  readonly #atSignal = () => process.exit(1)

  constructor() {
    process.on('exit', this.#atExit)
    for (const signal of signals) process.on(signal, this.#atSignal)
    try {
      this.#build()
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  #build(): void {
    for (const host of ['router', ...onMesh, 'backend']) this.#add(host)
    for (const host of onMesh) {
      const gateway = addressOf[host].replace(/2$/, '1')
      ip(this.#space('router'), `link add ${host} type veth peer name mesh netns ${this.#space(host)}`)
      ip(this.#space('router'), `addr add ${gateway}/24 dev ${host}`, `link set ${host} up`)
      ip(this.#space(host), `addr add ${addressOf[host]}/24 dev mesh`, 'link set mesh up')
      ip(this.#space(host), `route add default via ${gateway}`)
    }
    ip(this.#space('egress'), `link add inner type veth peer name inner netns ${this.#space('backend')}`)
    ip(this.#space('egress'), `addr add ${innerAddress}/24 dev inner`, 'link set inner up')
    ip(this.#space('backend'), `addr add ${addressOf.backend}/24 dev inner`, 'link set inner up')
    ip(this.#space('backend'), `route add default via ${innerAddress}`)
    ip(this.#space('router'), `route add 10.78.0.0/24 via ${addressOf.egress}`)
  }

  #add(host: string): void {
    said('ip', ['netns', 'add', this.#space(host)])
    this.#made.push(this.#space(host))
    ip(this.#space(host), 'link set lo up')
    // What is not switched off here is as it is on the machine that runs the tests.
    const script = `echo ${host === 'router' ? 1 : 0} > ${settings.ip4}; test ! -e ${settings.ip6} || echo 1 > ${settings.ip6}`
    said('ip', ['netns', 'exec', this.#space(host), 'sh', '-c', script])
  }

  #space(host: string): string {
    return `postern-${process.pid}-${host}`
  }

  /** From now on the host cannot reach the others of its own accord; they still reach it. */
  cut(host: HostName, from: readonly HostName[]): void {
    for (const other of from) ip(this.#space(host), `route add unreachable ${addressOf[other]}/32`)
  }

  /** Starts a process on a host; its pid is that of the command itself. */
  spawn(host: HostName, command: readonly string[], stdio: StdioOptions): ChildProcess {
    const [program, ...args] = this.#on(host, command)
    return spawn(program, args, { stdio })
  }

  /** Runs a command on a host to its end. Throws what it complained of when it fails. */
  run(host: HostName, command: readonly string[]): string {
    const [program, ...args] = this.#on(host, command)
    return said(program, args).toString('utf8')
  }

  #on(host: HostName, command: readonly string[]): [program: string, ...args: string[]] {
    return ['ip', 'netns', 'exec', this.#space(host), ...command]
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit)
    for (const signal of signals) process.off(signal, this.#atSignal)
    for (const space of this.#made.splice(0)) {
      const pids = said('ip', ['netns', 'pids', space]).toString('utf8').split('\n').filter(Boolean)
      for (const pid of pids) kill(Number(pid))
      said('ip', ['netns', 'del', space])
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function ip(space: string, ...lines: readonly string[]): void {
  for (const line of lines) said('ip', ['-n', space, ...line.split(' ')])
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
