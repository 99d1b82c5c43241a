import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import type { VerifiedCredential } from '@postern/identity'
import { PosternError } from '@postern/protocol'
import { Command } from 'commander'
import { colours } from '../colours.ts'
import { withJson } from '../options.ts'
import { print, sheet } from '../output.ts'

interface JoinOptions {
  readonly dir: string
  readonly offline?: string
  readonly reply?: string
  readonly json?: true
}

export function joinCommand(): Command {
  return withJson(new Command('join'))
    .description('join a mesh by an invite: makes the key here, gets a credential, writes a starter config')
    .argument('[invite]', 'the line of `postern mesh invite`; - reads it from standard input')
    .option('--dir <folder>', 'folder that becomes the node', '.')
    .option('--offline <file>', 'only write a request to this file, for `postern mesh admit`; carry it as a secret')
    .option('--reply <file>', 'take the answer to that request')
    .addHelpText(
      'after',
      '\nExamples:\n  postern join postern-invite:… --dir egress-2\n  postern join - --dir egress-2 < invite.txt\n  postern join - --offline egress-2.request --dir egress-2 < invite.txt\n  postern join --reply egress-2.reply --dir egress-2',
    )
    .action(async (invite: string | undefined, options: JoinOptions) => {
      const folder = resolve(options.dir)
      if (options.reply !== undefined) return joined(await accept(folder, resolve(options.reply)), folder, options)
      if (invite === undefined)
        throw new PosternError('USAGE', 'join needs an invite', {
          remedy: 'give the line of `postern mesh invite`, or - to read it from standard input',
        })
      const line = invite === '-' ? await text(process.stdin) : invite
      const { joinMesh } = await import('@postern/node')
      if (options.offline !== undefined) return await ask(folder, line, options.offline, options)
      const step = (said: string) => {
        if (options.json !== true) process.stderr.write(`${colours.green('✔')} ${said}\n`)
      }
      joined(await joinMesh({ invite: line, folder, step }), folder, options)
    })
}

async function accept(folder: string, reply: string): Promise<VerifiedCredential> {
  const { readPublicFile } = await import('@postern/identity')
  const { acceptAdmission } = await import('@postern/node')
  return await acceptAdmission(folder, readPublicFile(reply).trim())
}

async function ask(folder: string, invite: string, out: string, { dir, json }: JoinOptions): Promise<void> {
  const { verifyEnrolment, writeSecretFile } = await import('@postern/identity')
  const { joinRequest } = await import('@postern/node')
  const file = resolve(out)
  const request = await joinRequest({ invite, folder })
  const { peer } = await verifyEnrolment(request)
  // The invite is in it, and whoever asks first may join by that.
  writeSecretFile(file, `${request}\n`)
  print(
    json,
    { request: file, peer, dir: folder },
    () =>
      `the request of peer ${peer} is in ${file}; its key stays in ${folder}\n\nNext, where the authority is: postern mesh admit ${out} --out ${out}.reply\nthen here:                   postern join --reply ${out}.reply --dir ${dir}`,
  )
}

function joined({ expiresMs, name, peer, roles, services }: VerifiedCredential, folder: string, options: JoinOptions) {
  const expires = new Date(expiresMs).toISOString()
  print(
    options.json,
    { name, peer, roles, services, expires, dir: folder },
    () =>
      `${name} has joined\n${sheet([
        ['peer', peer],
        ['roles', roles.join(', ')],
        ['services', services.join(', ') || 'none'],
        ['credential', `until ${expires}, renewed by itself while an authority can be reached`],
        ['folder', folder],
      ])}\n\nNext: look at postern.yaml there, then: postern up --config ${join(options.dir, 'postern.yaml')}`,
  )
}
