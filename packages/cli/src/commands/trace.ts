import type { TraceStep } from '@postern/node'
import type { Command } from 'commander'
import { ms, table } from '../output.ts'
import { type AskOptions, askAndPrint, asking } from './ask.ts'

export function traceCommand(): Command {
  return asking('trace')
    .description('the way to a service hop by hop, with the time each hop adds to a round trip')
    .argument('<service>', 'name of the service')
    .addHelpText('after', '\nExample:\n  postern trace billing --config ingress/postern.yaml')
    .action((service: string, options: AskOptions) =>
      askAndPrint(`/trace/${encodeURIComponent(service)}`, options, (answer) => describeTrace(answer as TraceStep[])),
    )
}

export function describeTrace(steps: readonly TraceStep[], nameOf: (peer: string) => string = (peer) => peer): string {
  return table(
    ['HOP', 'ADDS', 'ROUND TRIP', 'PEER'],
    steps.map(({ addedMs, hop, peer, roundTripMs }) => [hop, `+${ms(addedMs)}`, ms(roundTripMs), nameOf(peer)]),
  )
}
