import { Command } from 'commander'
import { collect, inFolder, withJson } from '../options.ts'
import { runNode } from '../run-node.ts'

interface ExposeOptions {
  readonly dir: string
  readonly method: readonly string[]
  readonly path: readonly string[]
  readonly json?: true
}

export function exposeCommand(): Command {
  return withJson(new Command('expose'))
    .description('a quick egress from a node folder: offer a backend under the name of a service')
    .argument('<service>', 'name of the service')
    .argument('<backend>', 'URL of the backend, as this host reaches it')
    .option('--dir <folder>', 'node folder', '.')
    .option('--method <method>', 'methods to let through (default: all); may be given several times', collect, [])
    .option('--path <pattern>', 'paths to let through (default: /**); may be given several times', collect, [])
    .addHelpText('after', "\nExample:\n  postern expose billing http://127.0.0.1:3000 --method GET --path '/v1/**'")
    .action(async (service: string, backend: string, options: ExposeOptions) => {
      const { checkConfig } = await import('@postern/node/config')
      const methods = options.method.length > 0 ? options.method : ['*']
      const paths = options.path.length > 0 ? options.path : ['/**']
      const value = {
        egress: { services: { [service]: { backends: [backend], expose: paths.map((path) => ({ methods, path })) } } },
      }
      const config = checkConfig({ value, origin: () => 'command line' }, inFolder(options.dir))
      await runNode(config, {
        json: options.json,
        note: () => `\n\nLets through: ${methods.join(', ')} ${paths.join(', ')}`,
      })
    })
}
