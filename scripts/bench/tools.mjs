import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const needed = ['wrk', 'nginx', 'openssl']

/** Programs without which something is left out, and the Debian packages that have them. */
export const optional = { haproxy: 'haproxy', stunnel: 'stunnel4' }

/** System administrators' folders are not on everybody's path, but nginx is there. */
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

/**
 * The programs measured with, by name: `{ path, version }`; an optional one that is missing is not among them. Ends the
 * process with what to install when one is missing that is not optional.
 */
export function findTools() {
  if (process.platform !== 'linux') refuse('The benchmark reads CPU time and memory from /proc: it runs on Linux only.')
  const found = needed.map((name) => [name, find(name)])
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name)
  if (missing.length > 0) {
    refuse(
      `The benchmark needs ${missing.join(' and ')}, not found on this machine. On Debian and Ubuntu:\n` +
        `  apt-get install ${needed.join(' ')}`,
    )
  }
  const others = Object.keys(optional).map((name) => [name, find(name)])
  const present = [...found, ...others.filter(([, path]) => path !== undefined)]
  return Object.fromEntries(present.map(([name, path]) => [name, { path, version: versionOf(name, path) }]))
}

function refuse(text) {
  process.stderr.write(`${text}\n`)
  process.exit(2)
}

function find(name) {
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

const wordOf = { openssl: 'version', stunnel: '-version' }

function versionOf(name, path) {
  const { stderr, stdout } = spawnSync(path, [wordOf[name] ?? '-v'], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  return /\d+\.\d+[\w.]*/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0] ?? 'unknown'
}
