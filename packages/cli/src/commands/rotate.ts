import { resolve } from 'node:path'
import type { Authority, Rotation } from '@postern/identity'
import { PosternError } from '@postern/protocol'
import { Command } from 'commander'
import { askNode } from '../admin-client.ts'
import { duration, withJson } from '../options.ts'
import { print, sheet, short } from '../output.ts'
import { nobodyTold, tellMesh } from '../tell-mesh.ts'
import { type AskOptions, asking, socketOf } from './ask.ts'

export function rotateCommand(): Command {
  return new Command('rotate')
    .description('replace a key or the mesh secret; old and new are good together for a time')
    .addCommand(
      ofMesh('authority', 'the key of the authority', async () => (await import('@postern/identity')).rotateAuthority),
    )
    .addCommand(ofMesh('secret', 'the mesh secret', async () => (await import('@postern/identity')).rotateSecret))
    .addCommand(ofNode())
}

interface RotateOptions {
  readonly authority: string
  readonly overlap: number
  readonly offline?: true
  readonly json?: true
}

type Rotate = (authority: Authority, overlapMs: number) => Promise<Rotation>

function ofMesh(name: string, what: string, load: () => Promise<Rotate>): Command {
  return withJson(withOverlap(new Command(name)))
    .description(`replace ${what}`)
    .option('--authority <folder>', 'folder of the authority', '.')
    .option('--offline', 'only sign the new bulletin; tell the mesh later: an authority node does')
    .addHelpText(
      'after',
      `\nExample:\n  postern rotate ${name} --overlap 7d --authority authority\n\nA node that is away for the whole overlap must join again; for the key of the authority, half of it.`,
    )
    .action(async (options: RotateOptions) => {
      const { loadAuthority } = await import('@postern/identity')
      const rotate = await load()
      const authority = await loadAuthority(resolve(options.authority))
      const { bulletin, oldUntilMs } = await rotate(authority, options.overlap)
      const { told, unreached } = options.offline === true ? nobodyTold : await tellMesh(authority.folder)
      const oldUntil = new Date(oldUntilMs).toISOString()
      print(
        options.json,
        { sequence: bulletin.seq, oldUntil, told, unreached },
        () =>
          `${what} is being replaced\n${sheet([
            ['old', `good until ${oldUntil}`],
            ['bulletin', `number ${bulletin.seq}`],
            ['told', told.map(short).join(', ') || 'nobody yet'],
          ])}`,
      )
      if (options.offline !== true && told.length === 0)
        throw new PosternError('NO_RELAY', 'the bulletin is signed and kept, but no relay could be told', {
          remedy:
            'run a node of the role authority: it tells the mesh; `postern status` shows the number each node knows',
        })
    })
}

function ofNode(): Command {
  return withOverlap(asking('node'))
    .description('replace the key, and so the peer id, of a running node at its next start')
    .addHelpText('after', '\nExample:\n  postern rotate node --overlap 24h --config egress-1/postern.yaml')
    .action(async (options: AskOptions & { overlap: number }) => {
      const { peer } = (await askNode(await socketOf(options), `/rotate/${options.overlap}`, 'POST')) as {
        peer: string
      }
      const oldUntil = new Date(Date.now() + options.overlap).toISOString()
      print(
        options.json,
        { peer, oldUntil },
        () =>
          `the new key waits for the next start of the node\n${sheet([
            ['new peer', peer],
            ['old', `good until ${oldUntil}: start the node anew before`],
          ])}`,
      )
    })
}

function withOverlap(command: Command): Command {
  return command.option(
    '--overlap <duration>',
    'how long old and new are good together: 7d, 24h',
    duration,
    duration('7d'),
  )
}
