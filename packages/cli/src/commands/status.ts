import type { NodeStatus } from '@postern/node'
import type { Command } from 'commander'
import { askNode } from '../admin-client.ts'
import { lifeLeft } from '../life-left.ts'
import { exitCode, print, sheet } from '../output.ts'
import { describeWarning } from '../warnings.ts'
import { type AskOptions, askAndPrint, asking, socketOf } from './ask.ts'

export function statusCommand(): Command {
  return asking('status')
    .description('what the running node is and does')
    .option('--ready', 'ask only whether it can do its work now: exit code 0 or 1')
    .addHelpText('after', '\nExamples:\n  postern status --config egress-1/postern.yaml\n  postern status --ready')
    .action(async (options: AskOptions & { ready?: true }) => {
      if (options.ready === true) await sayReadiness(options)
      else await askAndPrint('/status', options, (answer) => describe(answer as NodeStatus))
    })
}

interface Readiness {
  readonly ready: boolean
  readonly missing: readonly string[]
}

async function sayReadiness(options: AskOptions): Promise<void> {
  const answer = (await askNode(await socketOf(options), '/ready')) as Readiness
  print(options.json, answer, () => (answer.ready ? 'ready' : `not ready: ${answer.missing.join('; ')}`))
  if (!answer.ready) process.exitCode = exitCode.failed
}

function describe(status: NodeStatus): string {
  const rows: Array<[string, string]> = [
    ['name', status.name],
    ['roles', status.roles.join(', ')],
    ['peer', status.peer],
    ['mesh', `${status.mesh.name} (${status.mesh.id})`],
    ['up for', `${status.uptimeS} s, process ${status.pid}, ${status.rssMb} MB`],
    ['credential', lifeLeft(status.credential)],
  ]
  const { egress, ingress, relay } = status
  if (relay !== undefined)
    rows.push([
      'relay',
      `${relay.addresses.join(', ')}; ${relay.circuits} circuits, ${relay.banned} neighbours kept out`,
    ])
  if (ingress !== undefined) {
    rows.push(['ingress', `${ingress.urls.join(', ')}; ${ingress.requests} requests under way`])
    rows.push(['entries', `${ingress.entries?.linked ?? 0} of ${ingress.entries?.chosen ?? 0} linked`])
    for (const { service, egresses } of ingress.services) {
      const trunks = egresses.reduce((sum, each) => sum + each.trunks, 0)
      rows.push(['calls', `${service}: ${egresses.length} egresses, ${trunks} trunks`])
    }
  }
  if (egress !== undefined) {
    const { chosen = 0, linked = 0, registered = 0 } = egress.guards ?? {}
    rows.push([
      'guards',
      `${linked} of ${chosen} linked, registered at ${registered}; ${egress.exchanges} exchanges under way`,
    ])
    for (const { service, backends } of egress.services) {
      rows.push([
        'offers',
        `${service}: ${backends.map(({ origin, up }) => `${origin} ${up ? 'up' : 'down'}`).join(', ')}`,
      ])
    }
  }
  if (status.authority !== undefined)
    rows.push(['authority', `registered at ${status.authority.guards?.registered ?? 0} guards`])
  const counters = Object.entries(status.counters).map(([name, count]) => [name, String(count)] as const)
  const { warnings } = status
  return [
    sheet(rows),
    ...(warnings.length > 0 ? ['\nwarnings', ...warnings.map(describeWarning)] : []),
    ...(counters.length > 0 ? ['\ncounters', sheet(counters)] : []),
  ].join('\n')
}
