import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { said } from './command.ts'

/** Where each host is reached. Every one has a network of its own, so that no address is the beginning of another. */
export const addressOf = {
  client: '10.77.1.2',
  'ingress-1': '10.77.2.2',
  'ingress-2': '10.77.3.2',
  'ingress-3': '10.77.4.2',
  'relay-1': '10.77.5.2',
  'relay-2': '10.77.6.2',
  'relay-3': '10.77.7.2',
  'egress-1': '10.77.8.2',
  'egress-2': '10.77.9.2',
  authority: '10.77.10.2',
  stranger: '10.77.11.2',
  'backend-1': '10.78.1.2',
  'backend-2': '10.78.2.2',
} as const

export type HostName = keyof typeof addressOf

export const egressNames = ['egress-1', 'egress-2'] as const
export type EgressName = (typeof egressNames)[number]

/** The host of the API that hangs on an egress. */
export const backendOf = { 'egress-1': 'backend-1', 'egress-2': 'backend-2' } as const

/** An egress's leg to its backend. */
export const innerAddressOf: Readonly<Record<EgressName, string>> = {
  'egress-1': gatewayOf('backend-1'),
  'egress-2': gatewayOf('backend-2'),
}

function gatewayOf(host: HostName): string {
  return addressOf[host].replace(/2$/, '1')
}

const hostNames = Object.keys(addressOf) as HostName[]
const onMesh = hostNames.filter((host) => !host.startsWith('backend'))

const settings = { ip4: '/proc/sys/net/ipv4/ip_forward', ip6: '/proc/sys/net/ipv6/conf/all/disable_ipv6' } as const
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Hosts as network namespaces. Each has a network of its own behind one router, so that a capture on a host holds no
 * packet of another. A backend hangs on its egress alone; the router sends what is meant for it there, and it would answer
 * anyone, so that nothing but the egress host keeps others out. Disposing, and the end of this process by a signal too,
 * kills what still runs in them.
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
    for (const host of ['router', ...hostNames]) this.#add(host)
    for (const host of onMesh) this.#connect(host, 'router', host, 'mesh')
    for (const egress of egressNames) {
      const backend = backendOf[egress]
      this.#connect(backend, egress, 'inner', 'inner')
      ip(this.#space('router'), `route add ${addressOf[backend].replace(/2$/, '0')}/24 via ${addressOf[egress]}`)
    }
  }

  /** Gives a host its network, whose gateway is a leg of another. */
  #connect(host: HostName, gateway: string, leg: string, name: string): void {
    ip(this.#space(gateway), `link add ${leg} type veth peer name ${name} netns ${this.#space(host)}`)
    ip(this.#space(gateway), `addr add ${gatewayOf(host)}/24 dev ${leg}`, `link set ${leg} up`)
    ip(this.#space(host), `addr add ${addressOf[host]}/24 dev ${name}`, `link set ${name} up`)
    ip(this.#space(host), `route add default via ${gatewayOf(host)}`)
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

  /** Takes back a cut. */
  mend(host: HostName, from: readonly HostName[]): void {
    for (const other of from) ip(this.#space(host), `route del unreachable ${addressOf[other]}/32`)
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
