import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { node } from '../setup.mjs'

/** What the figures depend on: `{ date, machine, versions }`. */
export function describeMachine(tools) {
  const load = loadavg()[0]
  const versions = Object.entries(tools).map(([name, { version }]) => [name, version])
  return {
    date: new Date().toISOString(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      memoryMb: Math.round(totalmem() / 1e6),
      kernel: release(),
      /** Load of the minute before: what else the cores were doing. */
      load,
      /** Whether the cores had less than half of their time left. */
      busy: load > cpus().length / 2,
    },
    versions: {
      node: spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 10_000 }).stdout.trim().replace(/^v/, ''),
      ...Object.fromEntries(versions),
    },
  }
}
