import { resolve } from 'node:path'
import { PosternError } from '@postern/protocol'
import { Command } from 'commander'
import { type GrantOptions, grantOf, withGrant } from '../grant-options.ts'
import { duration, withJson } from '../options.ts'
import { print } from '../output.ts'

interface InviteOptions extends GrantOptions {
  readonly expires: number
  readonly json?: true
}

export function inviteCommand(): Command {
  return withJson(
    withGrant(new Command('invite'), {
      text: '7d',
      why: 'a running node of the role authority renews it; choose more where none runs',
    }),
  )
    .description('print one line that lets one node join, once; hand it over as a secret')
    .option('--expires <duration>', 'how long the invite is good: 24h, at most 30d', duration, duration('24h'))
    .addHelpText(
      'after',
      '\nExample:\n  postern mesh invite --role egress --service billing --name egress-2 --authority authority',
    )
    .action(async (options: InviteOptions) => {
      const grant = grantOf(options)
      const { loadAuthority, makeInvite } = await import('@postern/identity')
      const authority = await loadAuthority(resolve(options.authority))
      if (authority.mesh.bootstrap.length === 0)
        throw new PosternError('MESH_INVALID', 'the mesh file names no relay for the invited to start from', {
          remedy: 'issue a relay with --bootstrap first, or add its address to bootstrap in mesh.json',
        })
      const { expiresMs, id, text } = await makeInvite(authority, grant, options.expires)
      const { name, roles, services } = grant
      const expires = new Date(expiresMs).toISOString()
      // The line alone is on standard output, to be piped on.
      if (options.json !== true)
        process.stderr.write(
          `invite for ${name} (${roles.join(', ')}), good once until ${expires}; take it back with: postern revoke ${id}\nOn its host: postern join - --dir ${name}   and paste the line\n\n`,
        )
      print(options.json, { invite: text, id, name, roles, services, expires }, () => text)
    })
}
