import type { Command } from 'commander'
import { short, table } from '../output.ts'
import { type AskOptions, askAndPrint, asking } from './ask.ts'

interface Services {
  readonly called: ReadonlyArray<{
    service: string
    egresses: ReadonlyArray<{ egress: string; guards: number; trunks: number }>
  }>
  readonly offered: ReadonlyArray<{ service: string; backends: ReadonlyArray<{ origin: string; up: boolean }> }>
}

export function servicesCommand(): Command {
  return asking('services')
    .description('services that the running node calls and offers, and whether they can be reached')
    .addHelpText('after', '\nExample:\n  postern services')
    .action((options: AskOptions) => askAndPrint('/services', options, (answer) => describe(answer as Services)))
}

function describe({ called, offered }: Services): string {
  const rows = [
    ...called.flatMap(({ egresses, service }) =>
      egresses.length === 0
        ? [[service, 'called', 'no egress found', '']]
        : egresses.map(({ egress, guards, trunks }) => [
            service,
            'called',
            `egress ${short(egress)}`,
            `${trunks} trunks, ${guards} guards`,
          ]),
    ),
    ...offered.flatMap(({ backends, service }) =>
      backends.map(({ origin, up }) => [service, 'offered', origin, up ? 'up' : 'down']),
    ),
  ]
  return rows.length === 0
    ? 'this node neither calls nor offers a service'
    : table(['SERVICE', '', 'WHERE', 'STATE'], rows)
}
