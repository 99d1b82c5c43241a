import type { Config, ConfigSource, NodeStatus, PosternNode } from '@postern/node'
import { reasonOf } from '@postern/protocol'
import { colours } from './colours.ts'
import { lifeLeft } from './life-left.ts'
import { exitCode, print, sheet } from './output.ts'

export interface RunOptions {
  /** Where the config came from, where that is a file. */
  readonly source?: ConfigSource
  readonly json?: true | undefined
  /** What to say below the sheet, to people. */
  readonly note?: (status: NodeStatus) => string
}

/** How long a node whose parent has gone may take to stop. */
const orphanMs = 5000

/**
 * Runs a node until it is told to stop: SIGINT, SIGTERM, or the end of the process that started it, where that keeps an
 * IPC channel to this one. Says in one glance, or in one line of JSON, what it is. A second signal ends it at once.
 * Where a key that waits is to take over, the node is started anew in this process.
 * SIGHUP is logged and changes nothing, so that a terminal that closes, or a supervisor that means a reload, ends no node.
 */
export async function runNode(config: Config, options: RunOptions): Promise<void> {
  const { startNode } = await import('@postern/node')
  const startMs = performance.now()
  let hangUp = () => {
    process.stderr.write(`${ignored} while the node starts\n`)
  }
  process.on('SIGHUP', () => hangUp())
  let node = await startNode({ config, source: options.source })
  hangUp = () => node.log.warn(ignored, { remedy: 'stop the node and start it again to have it read its config anew' })
  // A remote must not be able to end the process; what gets here is a defect, and is said to be one.
  process.on('uncaughtException', (error) => defect(node, error))
  process.on('unhandledRejection', (error) => defect(node, error))
  const status = node.status()
  print(options.json, status, () => `${glance(status, performance.now() - startMs)}${options.note?.(status) ?? ''}`)
  const asked = stopAsked(node)
  let over = await Promise.race([asked, node.lost, succeeded(node)])
  while (over === successor) {
    await node.stop()
    node = await startNode({ config, source: options.source })
    over = await Promise.race([asked, node.lost, succeeded(node)])
  }
  const lost = over
  if (lost !== undefined) node.log.error('node broken', { code: lost.code, reason: lost.message })
  await node.stop()
  process.exit(lost === undefined ? undefined : exitCode.failed)
}

/** Another key is to take the place of the node's. */
const successor = Symbol('successor')

async function succeeded(node: PosternNode): Promise<typeof successor> {
  await node.succeeded
  return successor
}

const ignored = 'SIGHUP is ignored'

function defect(node: PosternNode, error: unknown): void {
  node.parts.counters.count('defects')
  node.log.error('defect', { reason: reasonOf(error), ...(error instanceof Error && { stack: error.stack }) })
}

function stopAsked(node: PosternNode): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    const orphaned = () => {
      node.log.warn('the process that started this node has ended')
      setTimeout(() => process.exit(exitCode.failed), orphanMs).unref()
      stop()
    }
    process.on('disconnect', orphaned)
    // It may have gone while the node was starting.
    const { connected } = process as { readonly connected?: boolean }
    if (connected === false) orphaned()
  })
}

function glance(status: NodeStatus, tookMs: number): string {
  const rows: Array<[string, string]> = [
    ['peer', status.peer],
    ['mesh', `${status.mesh.name} (${status.mesh.id})`],
    ['credential', lifeLeft(status.credential)],
  ]
  for (const address of status.relay?.addresses ?? []) rows.push(['relay', address])
  for (const url of status.ingress?.urls ?? []) rows.push(['ingress', colours.cyan(url)])
  for (const { service, backends } of status.egress?.services ?? []) {
    rows.push(['offers', `${service} at ${backends.map(({ origin }) => origin).join(', ')}`])
  }
  return `${colours.green('●')} ${colours.bold(status.name)} ${colours.dim(`(${status.roles.join(', ')}) is up after ${Math.round(tookMs)} ms`)}\n${sheet(rows)}`
}
