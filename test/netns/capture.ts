import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { said } from './command.ts'
import { addressOf, egressNames, type HostName, type Hosts, innerAddressOf } from './hosts.ts'
import { type Running, running } from './process.ts'

/** Every packet of a host, whole, on all its interfaces, from the start of the capture on; it ends with the host. */
export class Capture {
  readonly host: HostName
  readonly #file: string
  readonly #tcpdump: Running

  private constructor(host: HostName, file: string, tcpdump: Running) {
    this.host = host
    this.#file = file
    this.#tcpdump = tcpdump
  }

  static async start(hosts: Hosts, host: HostName): Promise<Capture> {
    const file = join(hosts.folder, `${host}-${randomUUID()}.pcap`)
    // Into a descriptor of ours: tcpdump gives up its rights before it opens files of its own.
    const into = openSync(file, 'w', 0o600)
    // Each packet takes up the longest there can be in a buffer of 32 MiB: room for some 500 that wait to be written.
    const options = ['-i', 'any', '-n', '-s', '66000', '-B', '32768', '-U', '--immediate-mode', '-w', '-']
    try {
      const child = hosts.spawn(host, ['tcpdump', ...options], ['ignore', into, 'pipe'])
      return new Capture(host, file, await running(child, child.stderr, /listening on/))
    } finally {
      closeSync(into)
    }
  }

  get bytes(): number {
    return statSync(this.#file).size
  }

  /** Ends the capture. Throws when it has missed packets. */
  async stop(): Promise<void> {
    const summary = await this.#tcpdump.stop('SIGINT')
    if (!/^0 packets dropped by kernel$/m.test(summary)) throw new Error(`a capture with holes: ${summary}`)
  }

  /** The packets that a filter (pcap-filter(7)) lets through, a line each. */
  packets(filter: string): string[] {
    return this.#read(['-t', filter]).toString('utf8').split('\n').filter(Boolean)
  }

  /** Whether the packets, or those that a filter lets through, hold the octets in clear. */
  holds(octets: string, filter = ''): boolean {
    return this.octets(filter).includes(octets)
  }

  /** The packets, or those that a filter lets through, as they were captured. */
  octets(filter = ''): Buffer {
    return filter === '' ? readFileSync(this.#file) : this.#read(['-w', '-', filter])
  }

  /** Names of the hosts that packets came from or went to, or addresses where they are of none. */
  ends(filter = 'ip'): Set<string> {
    const ends = this.packets(filter).flatMap((line) => {
      const [, source = line, target = line] =
        /IP (\d+\.\d+\.\d+\.\d+)(?:\.\d+)? > (\d+\.\d+\.\d+\.\d+)/.exec(line) ?? []
      return [nameOf(source), nameOf(target)]
    })
    return new Set(ends)
  }

  /** Those that this host has exchanged packets with. */
  peers(filter?: string): string[] {
    return [...this.ends(filter)].filter((name) => name !== this.host).toSorted()
  }

  #read(args: readonly string[]): Buffer {
    return said('tcpdump', ['-nn', '-r', '-', ...args], readFileSync(this.#file))
  }
}

const names = new Map<string, HostName>([
  ...Object.entries(addressOf).map(([name, address]) => [address, name as HostName] as const),
  ...egressNames.map((egress) => [innerAddressOf[egress], egress] as const),
])

function nameOf(address: string): string {
  return names.get(address) ?? address
}
