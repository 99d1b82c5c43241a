import { Command } from 'commander'
import { askNode } from '../admin-client.ts'
import { type ConfigOptions, withConfig, withJson } from '../options.ts'
import { print } from '../output.ts'

export interface AskOptions extends ConfigOptions {
  readonly socket?: string
  readonly json?: true
}

/** A command that asks the running node something and shows the answer. */
export function asking(name: string): Command {
  return withJson(withConfig(new Command(name))).option(
    '--socket <file>',
    'admin socket of the node (default: the one of its config)',
  )
}

export async function askAndPrint(
  path: string,
  options: AskOptions,
  forPeople: (answer: unknown) => string,
): Promise<void> {
  const answer = await askNode(await socketOf(options), path)
  print(options.json, answer, () => forPeople(answer))
}

export async function socketOf(options: AskOptions): Promise<string> {
  if (options.socket !== undefined) return options.socket
  const { loadConfig } = await import('@postern/node/config')
  return loadConfig(options.config, { environment: process.env, flags: options.set }).admin.socket
}
