import type { Command } from 'commander'
import { table } from '../output.ts'
import { type AskOptions, askAndPrint, asking } from './ask.ts'

interface Peer {
  readonly peer: string
  readonly name: string
  readonly roles: readonly string[]
  readonly over: string
  readonly direction: string
  readonly circuits: number
  readonly bytes: number
}

export function peersCommand(): Command {
  return asking('peers')
    .description('members that the running node is connected to')
    .addHelpText('after', '\nExample:\n  postern peers --json')
    .action((options: AskOptions) =>
      askAndPrint('/peers', options, (answer) =>
        table(
          ['NAME', 'ROLES', 'OVER', 'DIRECTION', 'CIRCUITS', 'RELAYED', 'PEER'],
          (answer as Peer[]).map(({ bytes, circuits, direction, name, over, peer, roles }) => [
            name,
            roles.join(','),
            over,
            direction,
            String(circuits),
            String(bytes),
            peer,
          ]),
        ),
      ),
    )
}
