import { existsSync } from 'node:fs'
import type { Diagnosis, Examined } from '@postern/node'
import type { Command } from 'commander'
import { askNode } from '../admin-client.ts'
import { colours } from '../colours.ts'
import { exitCode } from '../output.ts'
import { describeWarning } from '../warnings.ts'
import { type AskOptions, asking } from './ask.ts'

export function doctorCommand(): Command {
  return asking('doctor')
    .description('what keeps a node from working, and what to do about it; whether it runs or not')
    .addHelpText(
      'after',
      '\nExit code: 0 when nobody has to do anything, 1 otherwise\nExample:\n  postern doctor --config egress-1/postern.yaml',
    )
    .action(async (options: AskOptions) => {
      const { diagnose } = await import('@postern/node')
      // Whoever names a socket may have no config to it.
      const file = options.socket !== undefined && !existsSync(options.config) ? undefined : options.config
      const diagnosis = await diagnose({
        file,
        socket: options.socket,
        sources: { environment: process.env, flags: options.set },
        ask: askNode,
        examined: options.json === true ? () => {} : (examined) => say(describe(examined)),
      })
      say(options.json === true ? JSON.stringify(diagnosis) : conclude(diagnosis))
      if (!diagnosis.ok) process.exitCode = exitCode.failed
    })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

const signs = process.stdout.isTTY
  ? { ok: colours.green('✔'), warning: colours.yellow('!'), error: colours.red('✖') }
  : { ok: 'ok  ', warning: 'warn', error: 'fail' }

function describe({ findings, ms: tookMs, name, ok, said }: Examined): string {
  const grave = findings.some(({ severity }) => severity === 'error')
  const sign = ok ? signs.ok : grave ? signs.error : signs.warning
  const line = [
    sign,
    name,
    ...(said === '' ? [] : [colours.dim(said)]),
    ...(tookMs > 0 ? [colours.dim(`${tookMs} ms`)] : []),
  ]
  return [line.join('  '), ...findings.map(describeWarning)].join('\n')
}

function conclude({ findings, ok }: Diagnosis): string {
  if (ok) return `\n${colours.green('Nothing is wrong.')}`
  const count = (severity: string, name: string) => {
    const number = findings.filter((each) => each.severity === severity).length
    return number === 0 ? [] : [`${number} ${name}${number === 1 ? '' : 's'}`]
  }
  return `\n${colours.bold([...count('error', 'error'), ...count('warning', 'warning')].join(', '))}`
}
