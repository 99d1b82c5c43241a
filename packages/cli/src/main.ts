import { PosternError, readable } from '@postern/protocol'
import { Command, CommanderError } from 'commander'
import { checkCommand } from './commands/check.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { exposeCommand } from './commands/expose.ts'
import { joinCommand } from './commands/join.ts'
import { meshCommand } from './commands/mesh.ts'
import { openCommand } from './commands/open.ts'
import { peersCommand } from './commands/peers.ts'
import { renewCommand } from './commands/renew.ts'
import { revokeCommand } from './commands/revoke.ts'
import { rotateCommand } from './commands/rotate.ts'
import { servicesCommand } from './commands/services.ts'
import { statusCommand } from './commands/status.ts'
import { traceCommand } from './commands/trace.ts'
import { upCommand } from './commands/up.ts'
import { complain, exitCode } from './output.ts'

const commands = [
  demoCommand,
  meshCommand,
  joinCommand,
  renewCommand,
  rotateCommand,
  revokeCommand,
  upCommand,
  exposeCommand,
  openCommand,
  checkCommand,
  statusCommand,
  peersCommand,
  servicesCommand,
  traceCommand,
  doctorCommand,
]

/** What a stream says whose reader has gone, as `head` does or a terminal that is closed, or whose disk is full. */
const unreadable = new Set(['EPIPE', 'EIO', 'ENOSPC'])

/** Output that cannot be written is no failure: what was started goes on, and is still to be ended in order. */
function endedReader(error: NodeJS.ErrnoException): void {
  if (!unreadable.has(error.code ?? '')) throw error
}

/** Runs one command line; never throws. The exit code is set, not taken: what still runs may end in its own time. */
export async function run(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endedReader)
  const json = argv.includes('--json')
  const output = {
    ...(json && { writeErr: () => {} }),
    outputError: (text: string, write: (text: string) => void) => write(readable(text)),
  }
  const program = new Command('postern')
    .description(
      'Puts an API behind a peer-to-peer mesh: nobody can find its host, everyone who may use it can, with plain HTTP.',
    )
    .version('0.1.0')
    .exitOverride()
    .configureOutput(output)
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      '\nStart here: postern demo\nExit codes: 0 done, 1 failed, 2 wrong command line or config, 3 no node runs there',
    )
  for (const make of commands) {
    const command = make()
    for (const each of [command, ...command.commands]) each.exitOverride().configureOutput(output)
    program.addCommand(command)
  }
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) complain(error, json)
    else if (error.exitCode === 0) process.exitCode = exitCode.ok
    else if (json) complain(new PosternError('USAGE', error.message.replace(/^error: /, '')), json)
    else process.exitCode = exitCode.usage
  }
}
