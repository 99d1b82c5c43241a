import { Command } from 'commander'
import { type ConfigOptions, withConfig, withJson } from '../options.ts'
import { exitCode, print, sheet } from '../output.ts'
import { describeWarning } from '../warnings.ts'

export function checkCommand(): Command {
  return withJson(withConfig(new Command('check')))
    .description('say whether a config is right: path, value, where it came from, what would be right')
    .option('--schema', 'print the JSON Schema of the config, for editors')
    .addHelpText('after', '\nExample:\n  postern check --config relay/postern.yaml')
    .action(async (options: ConfigOptions & { schema?: true; json?: true }) => {
      const { configJsonSchema, loadConfig, rolesOf } = await import('@postern/node/config')
      if (options.schema === true) {
        process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
        return
      }
      const { loadMember } = await import('@postern/identity')
      const { checkGrants } = await import('@postern/node/grants')
      const config = loadConfig(options.config, { environment: process.env, flags: options.set })
      const member = await loadMember(config.mesh, config.state)
      checkGrants(config, member)
      const { credential, mesh } = member
      const { addressWarnings } = await import('@postern/node/addresses')
      const warnings = addressWarnings(config, member)
      const ok = !warnings.some(({ severity }) => severity !== 'info')
      if (!ok) process.exitCode = exitCode.failed
      const found = {
        ok,
        name: credential.name,
        peer: credential.peer,
        roles: rolesOf(config),
        mesh: mesh.name,
        warnings,
      }
      print(
        options.json,
        found,
        () =>
          `${options.config} is ${warnings.length === 0 ? 'right' : 'valid, but look at what is said below'}\n${sheet([
            ['name', found.name],
            ['peer', found.peer],
            ['roles', found.roles.join(', ')],
            ['mesh', found.mesh],
            ['credential', `valid until ${new Date(credential.expiresMs).toISOString()}`],
          ])}${warnings.map((warning) => `\n${describeWarning(warning)}`).join('')}`,
      )
    })
}
