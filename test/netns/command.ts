import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const maxOutputBytes = 256 * 1024 * 1024

export const cli = fileURLToPath(new URL('../../packages/cli/bin/postern.mjs', import.meta.url))

/** Runs a command to its end and answers what it said. Throws what it complained of when it fails. */
export function said(command: string, args: readonly string[], input: Uint8Array = new Uint8Array()): Buffer {
  const { error, status, stderr, stdout } = spawnSync(command, args, { input, maxBuffer: maxOutputBytes })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.toString('utf8')}`)
}

/** Runs a command of ours that needs no network, and answers what it said. */
export async function postern(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args, '--json'])
  return JSON.parse(stdout) as unknown
}
