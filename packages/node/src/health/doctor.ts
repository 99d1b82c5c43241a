import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Member, probeFolder } from '@postern/identity'
import { probeRelays, relaysToProbe } from '@postern/mesh'
import { type Clock, noMeter, PosternError, reasonOf, silentLog, systemClock } from '@postern/protocol'
import type { Config } from '../config.ts'
import type { ConfigSources } from '../config-file.ts'
import { type BackendOrder, probeBackend } from './backend-probe.ts'
import { type Diagnosis, Examination, type Examined } from './examination.ts'
import type { Facts } from './facts.ts'
import { examineFolder } from './folder.ts'
import { listeningOf, unheard } from './listening.ts'
import { doorsOf, probePort } from './port-probe.ts'
import { span } from './said.ts'

export interface DoctorInit {
  /** Config of the node; undefined asks the running node alone. */
  readonly file: string | undefined
  readonly sources?: ConfigSources
  /** Admin socket; that of the config unless said otherwise. */
  readonly socket?: string | undefined
  /** Asks a running node. Throws NOT_RUNNING, its cause the error of the system, when none answers. */
  readonly ask: (socket: string, path: string) => Promise<unknown>
  /** Hears of each thing as soon as it was looked at. */
  readonly examined: (examined: Examined) => void
  readonly clock?: Clock
}

/**
 * Looks for what keeps a node from working. One that runs is asked, so that nothing disturbs it; for one that does not,
 * its ports and the relays of its mesh file are tried in its place. Throws USAGE.
 */
export async function diagnose(init: DoctorInit): Promise<Diagnosis> {
  const { clock = systemClock, file } = init
  const examination = new Examination(clock, init.examined)
  const { config, member } =
    file === undefined ? {} : await examineFolder(examination, file, { ...init.sources, clock })
  const socket = init.socket ?? config?.admin.socket
  const asked = async () => withAsked((await init.ask(socket ?? '', '/health')) as Known, file)
  const node = socket === undefined ? undefined : await askNode(examination, asked)
  if (node?.running === true) examineAnswer(examination, node)
  if (node?.running === false && config !== undefined) {
    await examineState(examination, config)
    if (member !== undefined) examineAddresses(examination, config, member)
    await examinePorts(examination, config)
    if (member !== undefined) await examineRelays(examination, member, clock)
  }
  await examineBackends(examination, ordersOf(config, node, clock))
  return examination.diagnosis()
}

type Known = Omit<Facts, 'nowMs'>

/** Some of what is known. */
function part(facts: Known, ...keys: ReadonlyArray<keyof Known>): Known {
  return Object.fromEntries(keys.filter((key) => facts[key] !== undefined).map((key) => [key, facts[key]]))
}

/** Says where the node was started with another file than the one that was looked at. */
function withAsked(facts: Known, file: string | undefined): Known {
  if (file === undefined || facts.config === undefined) return facts
  const real = (path: string) => (existsSync(path) ? realpathSync(path) : resolve(path))
  if (real(file) === real(facts.config.file)) return facts
  return { ...facts, config: { ...facts.config, asked: resolve(file) } }
}

/** System errors that say that nobody listens at a socket. */
const absent = new Set(['ENOENT', 'ECONNREFUSED'])

/** What the running node knows of itself; undefined where one is there but does not answer. */
function askNode(examination: Examination, ask: () => Promise<Known>): Promise<Known | undefined> {
  return examination.of<Known | undefined>('node', async () => {
    try {
      const value = await ask()
      const facts = part(
        value,
        'certificates',
        'config',
        'listening',
        'upMs',
        'credential',
        'knocks',
        'relay',
        'bulletin',
        'freshness',
        'register',
        'unwritten',
        'log',
      )
      return { value, said: `has run for ${span(value.upMs ?? 0)}`, facts }
    } catch (error) {
      const cause = error instanceof PosternError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
      const value = { running: false }
      if (absent.has(cause?.code ?? '')) return { value, said: 'does not run', facts: value }
      const message = cause === undefined ? reasonOf(error) : `${reasonOf(error)}: ${cause.message}`
      return { value: undefined, said: '', facts: { failures: [{ code: 'NODE_SILENT', message }] } }
    }
  })
}

function examineAnswer(examination: Examination, facts: Known): void {
  const { entries, guards, relays = [], services = [] } = facts
  const linked = relays.filter((relay) => relay.linked).length
  if (relays.length > 0 || entries !== undefined)
    examination.note('relays', 0, {
      said: `${linked} of ${relays.length} linked`,
      facts: { ...part(facts, 'relays'), ...(entries && { reachable: { relays: relays.length, linked } }) },
    })
  if (guards !== undefined)
    examination.note('guards', 0, {
      said: `registered at ${guards.registered} of ${guards.chosen}`,
      facts: part(facts, 'guards'),
    })
  if (entries !== undefined) {
    const said = services.map(({ egresses, service }) => {
      const trunks = egresses.reduce((sum, each) => sum + each.trunks, 0)
      return `${service}: ${egresses.length} egresses, ${trunks} trunks`
    })
    examination.note('services', 0, { said: said.join('; '), facts: part(facts, 'entries', 'pathRelays', 'services') })
  }
}

/** That what the node keeps could be written; where it has no state folder yet, that was said of its key. */
async function examineState(examination: Examination, { state }: Config): Promise<void> {
  if (!existsSync(state)) return
  await examination.of('state folder', () => {
    probeFolder(state)
    return { value: undefined, said: 'takes files' }
  })
}

/** That a relay listens where others look for it. */
function examineAddresses(examination: Examination, config: Config, member: Member): void {
  const listening = listeningOf(config, member)
  if (listening === undefined) return
  const { announced, named } = unheard(listening)
  const said = announced.length + named.length === 0 ? listening.listen.join(', ') : ''
  examination.note('addresses', 0, { said, facts: { listening } })
}

async function examinePorts(examination: Examination, config: Config): Promise<void> {
  for (const door of doorsOf(config)) {
    await examination.of(`port ${door.host}:${door.port}`, async () => {
      await probePort(door)
      return { value: undefined, said: 'can be had' }
    })
  }
}

async function examineRelays(examination: Examination, member: Member, clock: Clock): Promise<void> {
  const startMs = performance.now()
  const relays = relaysToProbe({ member }).length
  const roles = member.credential.roles
  // The first relay of a mesh knows no other.
  if (relays === 0 && roles.every((role) => role === 'relay')) return
  let linked = 0
  await probeRelays({ member, clock, log: silentLog, meter: noMeter }, (relay, tookMs) => {
    if (relay.linked) linked += 1
    const said = relay.linked ? `linked at ${relay.addresses.join(' or ')}` : ''
    examination.note(`relay …${relay.peer.slice(-8)}`, tookMs, { said, facts: { relays: [relay] } })
  })
  examination.note('relays', performance.now() - startMs, {
    said: `${linked} of ${relays} could be linked`,
    facts: { reachable: { relays, linked } },
  })
}

const usualConnectMs = 3000

/** Backends that the running node offers, whatever the config says; where none runs, those of the config. */
function ordersOf(config: Config | undefined, node: Known | undefined, clock: Clock): BackendOrder[] {
  const services = config?.egress?.services ?? {}
  const offered =
    node?.running === true
      ? (node.backends ?? []).map(({ origin, service }) => [service, origin] as const)
      : Object.entries(services).flatMap(([service, { backends }]) => backends.map((url) => [service, url] as const))
  return offered.map(([service, url]) => ({
    service,
    url,
    connectMs: services[service]?.connectMs ?? usualConnectMs,
    clock,
  }))
}

/** All of a service's are needed to tell whether it has one left. */
async function examineBackends(examination: Examination, orders: readonly BackendOrder[]): Promise<void> {
  const services = Map.groupBy(orders, ({ service }) => service)
  await Promise.all(
    [...services].map(([service, own]) =>
      examination.of(`backends of ${service}`, async () => {
        const backends = await Promise.all(own.map(probeBackend))
        const up = backends.filter((backend) => backend.up)
        return {
          value: undefined,
          said: `${up.length} of ${backends.length} up`,
          facts: { backends },
        }
      }),
    ),
  )
}
