import { join } from 'node:path'
import { excerpt, PosternError } from '@postern/protocol'
import { type Command, InvalidArgumentError } from 'commander'

export interface ConfigOptions {
  readonly config: string
  readonly set: readonly string[]
}

export const collect = (value: string, before: readonly string[]): string[] => [...before, value]

/** Where the node's config is; the same on every command that speaks of a node. */
export function withConfig(command: Command): Command {
  return command
    .option('--config <file>', 'config of the node', 'postern.yaml')
    .option('--set <path=value>', 'override a value of the config; may be given several times', collect, [])
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON')
}

/** An option that takes a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) {
      const large = Number.isInteger(value) && value > max ? 'is too large: ' : ''
      throw new InvalidArgumentError(`${large}expected a whole number from ${min} to ${max}`)
    }
    return value
  }
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3600_000, d: 24 * 3600_000 }

/** `90d`, `24h`, `15m`, `30s` in ms. */
export function duration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  if (match === null || Number(match[1]) === 0)
    throw new InvalidArgumentError('expected a number with s, m, h or d, for example 90d')
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0)
}

/** `HOST:PORT` or a port, as a URL to listen on. */
export function listenUrl(text: string): string {
  if (/^\d+$/.test(text)) return `http://127.0.0.1:${text}`
  if (/^https?:\/\//.test(text)) return text
  if (/^(\[[0-9a-f:]+\]|[\w.-]+):\d+$/i.test(text)) return `http://${text}`
  throw new PosternError('USAGE', `cannot listen on ${excerpt(text)}`, {
    remedy: 'give HOST:PORT, for example 127.0.0.1:8080',
  })
}

/** The config of a node folder that holds none: for commands that make up a config of their own. */
export function inFolder(folder: string): string {
  return join(folder, 'postern.yaml')
}
