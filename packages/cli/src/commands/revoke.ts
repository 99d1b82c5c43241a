import { resolve } from 'node:path'
import { PosternError } from '@postern/protocol'
import { Command } from 'commander'
import { damagedRegister } from '../damaged-register.ts'
import { withJson } from '../options.ts'
import { print, sheet, short } from '../output.ts'
import { nobodyTold, tellMesh } from '../tell-mesh.ts'

export function revokeCommand(): Command {
  return withJson(new Command('revoke'))
    .description('take back what was issued to a node: it is cut off within seconds, everywhere')
    .argument('<who>', 'name of a node, its peer id, or the id of one credential')
    .option('--authority <folder>', 'folder of the authority', '.')
    .option('--offline', 'only sign the new bulletin; tell the mesh later by the same command without --offline')
    .addHelpText('after', '\nExample:\n  postern revoke ingress-2 --authority authority')
    .action(async (who: string, options: { authority: string; offline?: true; json?: true }) => {
      const { loadAuthority, revoke } = await import('@postern/identity')
      const authority = await loadAuthority(resolve(options.authority))
      const { issued, seq, subjects, unreadable } = await revoke(authority, who)
      const { told, unreached } = options.offline === true ? nobodyTold : await tellMesh(authority.folder)
      print(
        options.json,
        { subjects, sequence: seq, told, unreached, unreadable },
        () =>
          `${who} is revoked\n${sheet([
            ['revoked', subjects.join(', ')],
            ['names', [...new Set(issued.map(({ name }) => name))].join(', ') || 'not in the register'],
            ['bulletin', `number ${seq}`],
            ['told', told.map(short).join(', ') || 'nobody yet'],
          ])}${damagedRegister(unreadable)}`,
      )
      if (options.offline !== true && told.length === 0)
        throw new PosternError('NO_RELAY', 'the bulletin is signed and kept, but no relay could be told', {
          remedy: 'run the same command again where a relay of the mesh file can be reached',
        })
    })
}
