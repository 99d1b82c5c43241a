import { spawnSync } from 'node:child_process'

const maxOutputBytes = 256 * 1024 * 1024

/** Runs a command to its end and answers what it said. Throws what it complained of when it fails. */
export function said(command: string, args: readonly string[], input: Uint8Array = new Uint8Array()): Buffer {
  const { error, status, stderr, stdout } = spawnSync(command, args, { input, maxBuffer: maxOutputBytes })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.toString('utf8')}`)
}
