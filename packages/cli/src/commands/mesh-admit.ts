import { resolve } from 'node:path'
import { Command } from 'commander'
import { withJson } from '../options.ts'
import { print, sheet } from '../output.ts'

export function admitCommand(): Command {
  return withJson(new Command('admit'))
    .description('answer the request file of `postern join --offline`; works without a mesh')
    .argument('<file>', 'the request')
    .requiredOption('--out <file>', 'where to write the answer; only who asked can read what is in it')
    .option('--authority <folder>', 'folder of the authority', '.')
    .addHelpText(
      'after',
      '\nExample:\n  postern mesh admit egress-2.request --out egress-2.reply --authority authority',
    )
    .action(async (file: string, options: { out: string; authority: string; json?: true }) => {
      const { admit, readPublicFile, writeNewFile } = await import('@postern/identity')
      const request = readPublicFile(file).trim()
      const { admission, expiresMs, name, peer } = await admit(resolve(options.authority), request)
      const expires = new Date(expiresMs).toISOString()
      writeNewFile(resolve(options.out), `${admission}\n`)
      print(
        options.json,
        { name, peer, expires, file: resolve(options.out) },
        () =>
          `${name} is admitted\n${sheet([
            ['peer', peer],
            ['credential', `until ${expires}, and renewed by itself while a node of the role authority runs`],
            ['answer', resolve(options.out)],
          ])}\n\nNext, on its host, in its folder: postern join --reply ${options.out}`,
      )
    })
}
