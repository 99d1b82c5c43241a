import { Command } from 'commander'
import { wholeNumber, withJson } from '../options.ts'

export interface DemoOptions {
  readonly port?: number
  readonly relays: number
  readonly egresses: number
  readonly backend?: string
  readonly once?: true
  readonly json?: true
}

export function demoCommand(): Command {
  return withJson(new Command('demo'))
    .description('run a whole mesh on this machine, each node a process of its own, with a sample API behind it')
    .option('--port <number>', 'port where clients arrive; 0 for any free one (default: 8080)', wholeNumber(0, 65_535))
    .option('--relays <number>', 'relays to run', wholeNumber(2, 20), 3)
    .option('--egresses <number>', 'egresses to run', wholeNumber(1, 20), 2)
    .option('--backend <url>', 'hide this API instead of the sample')
    .option('--once', 'send one request, show what came of it and the way it took, then stop')
    .addHelpText(
      'after',
      '\nExamples:\n  postern demo --once\n  postern demo --backend http://127.0.0.1:3000 --port 9000',
    )
    .action(async (options: DemoOptions) => {
      if (options.backend !== undefined) await checkBackend(options.backend)
      const { runDemo } = await import('../demo/run.ts')
      await runDemo(options)
    })
}

/** What an egress would refuse is refused before anything starts. Throws CONFIG_INVALID. */
async function checkBackend(backend: string): Promise<void> {
  const { checkConfig } = await import('@postern/node/config')
  const service = { backends: [backend], expose: [{ methods: ['*'], path: '/**' }] }
  checkConfig({ value: { egress: { services: { api: service } } }, origin: () => '--backend' }, '--backend')
}
