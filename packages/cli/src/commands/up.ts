import { resolve } from 'node:path'
import { Command } from 'commander'
import { type ConfigOptions, withConfig, withJson } from '../options.ts'
import { runNode } from '../run-node.ts'

export function upCommand(): Command {
  return withJson(withConfig(new Command('up')))
    .description('run a node until SIGINT or SIGTERM, which let exchanges finish')
    .addHelpText('after', '\nExample:\n  postern up --config egress-1/postern.yaml --set log.level=debug')
    .action(async (options: ConfigOptions & { json?: true }) => {
      const { loadConfig } = await import('@postern/node/config')
      const read = () => loadConfig(options.config, { environment: process.env, flags: options.set })
      await runNode(read(), { json: options.json, source: { file: resolve(options.config), read } })
    })
}
