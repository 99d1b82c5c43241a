import type { Config, NodeStatus, PosternNode } from '@postern/node'
import { colours } from './colours.ts'
import { exitCode, print, sheet } from './output.ts'

export interface RunOptions {
  readonly json?: true | undefined
  /** What to say below the sheet, to people. */
  readonly note?: (status: NodeStatus) => string
}

/**
 * Runs a node until it is told to stop: SIGINT, SIGTERM, or the end of the process that started it. Says in one glance,
 * or in one line of JSON, what it is. A second signal ends it at once.
 */
export async function runNode(config: Config, options: RunOptions): Promise<void> {
  const { startNode } = await import('@postern/node')
  const startMs = performance.now()
  const node = await startNode({ config })
  // A remote must not be able to end the process; what gets here is a defect, and is said to be one.
  process.on('uncaughtException', (error) => defect(node, error))
  process.on('unhandledRejection', (error) => defect(node, error))
  const status = node.status()
  print(options.json, status, () => `${glance(status, performance.now() - startMs)}${options.note?.(status) ?? ''}`)
  const lost = await Promise.race([stopAsked(), node.lost])
  if (lost !== undefined) node.log.error('node broken', { code: lost.code, reason: lost.message })
  await node.stop()
  process.exit(lost === undefined ? undefined : exitCode.failed)
}

function defect(node: PosternNode, error: unknown): void {
  node.parts.counters.count('defects')
  node.log.error('defect', { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    // Whoever started this process may have gone while the node was starting.
    process.on('disconnect', stop)
    const { connected } = process as { readonly connected?: boolean }
    if (connected === false) stop()
  })
}

function glance(status: NodeStatus, tookMs: number): string {
  const rows: Array<[string, string]> = [
    ['peer', status.peer],
    ['mesh', `${status.mesh.name} (${status.mesh.id})`],
    ['credential', `${status.credential.daysLeft} days left`],
  ]
  for (const address of status.relay?.addresses ?? []) rows.push(['relay', address])
  for (const url of status.ingress?.urls ?? []) rows.push(['ingress', colours.cyan(url)])
  for (const { service, backends } of status.egress?.services ?? []) {
    rows.push(['offers', `${service} at ${backends.map(({ origin }) => origin).join(', ')}`])
  }
  return `${colours.green('●')} ${colours.bold(status.name)} ${colours.dim(`(${status.roles.join(', ')}) is up after ${Math.round(tookMs)} ms`)}\n${sheet(rows)}`
}
