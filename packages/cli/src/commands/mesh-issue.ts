import { join, resolve } from 'node:path'
import { excerpt, PosternError, portProblem } from '@postern/protocol'
import { Command } from 'commander'
import { type GrantOptions, grantOf, withGrant } from '../grant-options.ts'
import { collect, withJson } from '../options.ts'
import { print, sheet } from '../output.ts'

interface IssueOptions extends GrantOptions {
  readonly out: string
  readonly bootstrap: readonly string[]
  readonly json?: true
}

export function issueCommand(): Command {
  return withJson(
    withGrant(new Command('issue'), { text: '90d', why: 'a running node of the role authority renews it' }),
  )
    .description('make a node folder: key, credential, mesh file and a starter config; works offline')
    .requiredOption('--out <folder>', 'folder to make; it holds a private key, so carry it as a secret')
    .option(
      '--bootstrap <multiaddr>',
      'for a relay: where others will reach it; nodes issued or invited later start from there',
      collect,
      [],
    )
    .addHelpText(
      'after',
      '\nExample:\n  postern mesh issue --role egress --service billing --name egress-1 --out egress-1',
    )
    .action(async (options: IssueOptions) => {
      const grant = grantOf(options)
      for (const address of options.bootstrap) checkAddress(address)
      const { fileNames, issueNode, loadAuthority, writeNewFile } = await import('@postern/identity')
      const { starterConfig } = await import('@postern/node/config')
      const authority = await loadAuthority(resolve(options.authority))
      const folder = resolve(options.out)
      const reachedAt = options.bootstrap
      const { peerId } = await issueNode(authority, folder, { ...grant, reachedAt })
      writeNewFile(join(folder, fileNames.config), starterConfig({ ...grant, reachedAt, authority: authority.folder }))
      const peer = peerId.toString()
      const { name, roles, services } = grant
      print(
        options.json,
        { name, peer, roles, services, dir: folder },
        () =>
          `${name} is issued\n${sheet([
            ['peer', peer],
            ['roles', roles.join(', ')],
            ['services', services.join(', ') || 'none'],
            ['folder', folder],
          ])}\n\n` +
          `Next: carry the folder to its host, look at ${fileNames.config}, then: postern up --config ${join(options.out, fileNames.config)}`,
      )
    })
}

function checkAddress(address: string): void {
  if (!/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+$/.test(address))
    throw new PosternError('USAGE', `${excerpt(address)} is no address of a relay`, {
      remedy: 'give a multiaddr like /dns4/relay.example.net/tcp/4001',
    })
  const problem = portProblem(address)
  if (problem !== undefined) throw new PosternError('USAGE', `${excerpt(address)}: ${problem}`)
}
