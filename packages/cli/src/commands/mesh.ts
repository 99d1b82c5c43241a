import { resolve } from 'node:path'
import { Command } from 'commander'
import { checkName } from '../grant-options.ts'
import { withJson } from '../options.ts'
import { print, sheet } from '../output.ts'
import { admitCommand } from './mesh-admit.ts'
import { inviteCommand } from './mesh-invite.ts'
import { issueCommand } from './mesh-issue.ts'
import { listCommand } from './mesh-list.ts'

export function meshCommand(): Command {
  return new Command('mesh')
    .description('found a mesh, and let nodes into it')
    .addCommand(create())
    .addCommand(inviteCommand())
    .addCommand(issueCommand())
    .addCommand(admitCommand())
    .addCommand(listCommand())
}

function create(): Command {
  return withJson(new Command('create'))
    .description('found a mesh: authority key, mesh secret and mesh file')
    .argument('<name>', 'name of the mesh')
    .option('--dir <folder>', 'folder of the authority', '.')
    .addHelpText('after', '\nExample:\n  postern mesh create acme --dir authority')
    .action(async (name: string, options: { dir: string; json?: true }) => {
      checkName(name)
      const { createAuthority } = await import('@postern/identity')
      const { folder, mesh } = await createAuthority(resolve(options.dir), name)
      print(
        options.json,
        { mesh: mesh.id, name: mesh.name, dir: folder },
        () =>
          `mesh ${name} is founded\n${sheet([
            ['id', mesh.id],
            ['authority', folder],
          ])}\n\n` +
          `Next: postern mesh issue --authority ${options.dir} --role relay --name relay-1 --bootstrap /dns4/HOST/tcp/4001 --out relay-1`,
      )
    })
}
