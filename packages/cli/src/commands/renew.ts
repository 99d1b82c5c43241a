import type { NodeStatus } from '@postern/node'
import type { Command } from 'commander'
import { askNode } from '../admin-client.ts'
import { lifeLeft } from '../life-left.ts'
import { print } from '../output.ts'
import { type AskOptions, asking, socketOf } from './ask.ts'

export function renewCommand(): Command {
  return asking('renew')
    .description('have the running node renew its credential now; it does so by itself at two thirds of its life')
    .addHelpText('after', '\nExample:\n  postern renew --config egress-1/postern.yaml')
    .action(async (options: AskOptions) => {
      const answer = (await askNode(await socketOf(options), '/renew', 'POST')) as NodeStatus['credential']
      print(options.json, answer, () => `renewed: ${lifeLeft(answer)}`)
    })
}
