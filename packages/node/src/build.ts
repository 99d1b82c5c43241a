import { join } from 'node:path'
import type { Egress } from '@postern/egress'
import { type Ask, askReplacement, fileNames, loadMember, type Member, maxGraceMs, takeNext } from '@postern/identity'
import type { Ingress } from '@postern/ingress'
import { type Mesh, type MeshInit, startMesh } from '@postern/mesh'
import { Counters, createLog, type WrittenLog } from '@postern/observe'
import { type Clock, type Log, PosternError, systemClock } from '@postern/protocol'
import { type AdminServer, startAdmin } from './admin.ts'
import { AuthorityPart } from './authority.ts'
import { choiceFile } from './choice-file.ts'
import { type Config, rolesOf } from './config.ts'
import { type ConfigSource, ConfigWatch } from './config-watch.ts'
import { idle, within } from './deadline.ts'
import { type Front, openFront } from './front.ts'
import { checkGrants } from './grants.ts'
import { Health } from './health/health.ts'
import { factsOf } from './health/node-facts.ts'
import { heartbeatFile } from './heartbeat-file.ts'
import { NextKey } from './next-key.ts'
import { Nursery } from './nursery.ts'
import { Renewal } from './renewal.ts'
import { ServedCertificates } from './served-certificates.ts'
import { StateWriter } from './state-writer.ts'
import { nodeStatus } from './status.ts'

export interface NodeInit {
  readonly config: Config
  /** Where the config came from, to be compared with what is there later. */
  readonly source?: ConfigSource | undefined
  /** The system's unless said otherwise; workers go by that one in any case. */
  readonly clock?: Clock
  /** Where the log goes; 2, standard error, unless said otherwise. */
  readonly logFd?: number
}

/** The parts of a running node, as far as its roles have them. */
export interface Parts {
  readonly config: Config
  readonly member: Member
  readonly mesh: Mesh
  readonly ingress: Ingress | undefined
  readonly egress: Egress | undefined
  readonly authority: Pick<AuthorityPart, 'unreadable'> | undefined
  readonly threads: Front['threads']
  readonly renewal: Renewal
  /** Asks an authority for a credential of a new key, which waits for the next start; answers with its peer. */
  readonly replaceKey: (overlapMs: number) => Promise<string>
  readonly counters: Counters
  readonly clock: Clock
  readonly startedMs: number
  readonly health: Health
  readonly log: WrittenLog
  readonly certificates: ServedCertificates
  /** Undefined for a config that came from no file. */
  readonly watch: ConfigWatch | undefined
  /** What is kept across restarts. */
  readonly state: StateWriter
}

/** A running node. */
export interface PosternNode {
  readonly parts: Parts
  readonly log: Log
  /** Fulfilled when a part of it was lost without which it is none; it is to be stopped then. */
  readonly lost: Promise<PosternError>
  /** Fulfilled when a new key is to take the place of the node's: it is to be stopped then, and started anew. */
  readonly succeeded: Promise<void>
  status(): ReturnType<typeof nodeStatus>
  /** Lets exchanges finish within the config's `drainMs`, then stops every part in the reverse of the order of starting. */
  stop(): Promise<void>
}

const stopMs = 3000
/** What stopping may take beside the exchanges under way. */
const partsMs = 6 * stopMs

/**
 * Starts a node: its identity, then the egress, which must be there when trunks arrive, and the workers if there are any,
 * then the mesh, then the ingress, which needs trunks, and last the admin socket. Only the sides that the node has are
 * loaded. Throws what the parts throw; then nothing is left running.
 */
export async function startNode(init: NodeInit): Promise<PosternNode> {
  const { config } = init
  const clock = init.clock ?? systemClock
  const counters = new Counters()
  const state = new StateWriter(counters)
  takeNextKey(config.state, state)
  // One that has ended is asked to be renewed, for as long as any authority may grant that.
  const member = await loadMember(config.mesh, config.state, clock, { graceMs: maxGraceMs, keep: state.keep })
  checkGrants(config, member)
  const logged = { level: config.log.level, node: member.credential.name, fd: init.logFd ?? 2 }
  const log = createLog(logged)
  const tools = { clock, log, meter: counters }

  const authority =
    config.authority &&
    (await AuthorityPart.open({ ...config.authority, graceMs: config.renewalGraceMs, state, ...tools }))
  const front = await openFront({ config, logged, ...tools })
  const { egress } = front
  const nursery = new Nursery({ threads: front.threads().length })
  const mesh = await meshInit(config, member, { authority, front, state }, { ...tools, passed: nursery.passed })
    .then(startMesh)
    .catch(async (error: unknown) => {
      await egress?.close()
      await front.close()
      throw error
    })
  let ingress: Ingress | undefined
  let admin: AdminServer | undefined
  // An authority is the one that it would ask.
  const ask: Ask = (request) => authority?.admit(request) ?? mesh.enrol(request)
  const renewal = new Renewal({ member, mesh, ask, ...tools })
  const leadMs = config.drainMs + partsMs
  const nextKey = new NextKey({ member, state: config.state, writer: state, ask, leadMs, clock, log })
  let stopping: Promise<void> | undefined
  const closeAll = async () => {
    nursery.stop()
    renewal.stop()
    nextKey.stop()
    authority?.stop()
    await within(stopMs, ingress?.close() ?? Promise.resolve())
    await within(stopMs, egress?.close() ?? Promise.resolve())
    await within(stopMs, mesh.stop())
    await within(stopMs, front.close())
    await within(stopMs, admin?.close() ?? Promise.resolve())
    state.stop()
  }
  try {
    const certificates = new ServedCertificates(config.ingress)
    ingress = await front.listen(mesh.trunks)
    const replaceKey = (overlapMs: number) => askReplacement(member, config.state, overlapMs, ask)
    const sides = { ingress, egress, authority, threads: front.threads }
    const watch = init.source && new ConfigWatch(config, init.source)
    const kept = { certificates, log, state, watch }
    const running = { config, member, mesh, ...sides, ...kept, renewal, counters, clock, startedMs: clock.now() }
    const parts: Parts = { ...running, replaceKey, health: new Health(factsOf(running), log) }
    admin = await startAdmin(config.admin.socket, parts)
    renewal.start()
    nextKey.start()
    nursery.start()
    authority?.start(mesh)
    parts.health.start()
    log.info('node started', { peer: mesh.peer, roles: rolesOf(config), urls: ingress?.urls ?? [] })
    return {
      parts,
      log,
      lost: front.lost,
      succeeded: nextKey.due,
      status: () => nodeStatus(parts),
      stop() {
        parts.health.stop()
        stopping ??= drain(parts, log)
          .then(closeAll)
          .then(() => log.info('node stopped'))
        return stopping
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface Sides {
  readonly authority: AuthorityPart | undefined
  readonly front: Front
  readonly state: StateWriter
}

async function meshInit(
  config: Config,
  member: Member,
  { authority, front, state }: Sides,
  tools: Pick<MeshInit, 'clock' | 'log' | 'meter' | 'passed'>,
): Promise<MeshInit> {
  const { relay } = config
  const { egress, readers } = front
  const ingress = await ingressPart(config, readers, { ...tools, keep: state.keep })
  const guards = choiceFile(join(config.state, 'guards.json'), { ...tools, keep: state.keep })
  return {
    member,
    graceMs: config.renewalGraceMs,
    withheldMs: config.freshness.withheldMs,
    freshness: { ...config.freshness, store: heartbeatFile(join(config.state, fileNames.heartbeat), state.keep) },
    ...tools,
    ...(relay === undefined ? {} : { relay }),
    ...(egress === undefined ? {} : { egress: { offer: egress, guards } }),
    ...(authority === undefined ? {} : { authority: { admit: authority.admit, guards } }),
    ...(ingress === undefined ? {} : { ingress }),
  }
}

async function ingressPart(
  { ingress, state }: Config,
  readers: number,
  tools: Parameters<typeof choiceFile>[1],
): Promise<MeshInit['ingress']> {
  if (ingress === undefined) return undefined
  const { servicesOf } = await import('@postern/ingress')
  const { relays, trunks } = ingress.path
  const entries = choiceFile(join(state, 'entries.json'), tools)
  return { services: () => servicesOf(ingress), relays, trunks, readers, entries }
}

/** A key that waits and cannot be put in its place waits on; the node starts with the one that it has. */
function takeNextKey(folder: string, state: StateWriter): void {
  try {
    takeNext(folder)
  } catch (error) {
    if (!(error instanceof PosternError) || error.code !== 'FILE_UNWRITABLE') throw error
    state.watch(folder)
  }
}

/** New work is turned away first, where others can still take it; then what is under way may finish. */
async function drain({ config, egress, ingress, mesh }: Parts, log: Log): Promise<void> {
  ingress?.drain()
  await within(stopMs, mesh.drain())
  egress?.drain()
  const underWay = () => (ingress?.requests ?? 0) + (egress?.exchanges ?? 0)
  if (!(await idle(config.drainMs, underWay))) log.warn('drain cut short', { exchanges: underWay() })
}
