import { Command } from 'commander'
import { inFolder, listenUrl, wholeNumber, withJson } from '../options.ts'
import { runNode } from '../run-node.ts'

interface OpenOptions {
  readonly dir: string
  readonly listen: string
  readonly relays: number
  readonly json?: true
}

export function openCommand(): Command {
  return withJson(new Command('open'))
    .description('a quick ingress from a node folder: a local door to a service')
    .argument('<service>', 'name of the service')
    .option('--listen <host:port>', 'where clients arrive', '127.0.0.1:8080')
    .option('--relays <number>', 'relays on the way: 1 to 3', wholeNumber(1, 3), 2)
    .option('--dir <folder>', 'node folder', '.')
    .addHelpText('after', '\nExample:\n  postern open billing --listen 127.0.0.1:8080')
    .action(async (service: string, options: OpenOptions) => {
      const { checkConfig } = await import('@postern/node/config')
      const value = {
        ingress: {
          listen: [{ url: listenUrl(options.listen) }],
          routes: [{ service }],
          path: { relays: options.relays },
        },
      }
      const config = checkConfig({ value, origin: () => 'command line' }, inFolder(options.dir))
      await runNode(config, { json: options.json, note: ({ ingress }) => `\n\nTry: curl ${ingress?.urls[0] ?? ''}/` })
    })
}
