#!/usr/bin/env node
// Installs and builds what has changed since the last time. Runs on any Node from 18 on; brings the one the project uses.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './lifeline.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const pnpm = 'pnpm@12.21.0'
const mark = join(root, 'node_modules', '.postern-setup')

/** The runtime that came with the install. */
export const node = join(bin, 'node')

/** The environment in which the project's own tools and runtime are found first. */
export const environment = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` }

/** Installs where the lock file has changed, then builds. Ends the process with what to do when either fails. */
export async function setup() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex')
  if (!existsSync(node) || !existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
    await step(
      'Installing packages',
      'npx',
      ['--yes', pnpm, 'install', '--frozen-lockfile'],
      'check that the npm registry can be reached',
    )
    writeFileSync(mark, lock)
  }
  await step('Building', join(bin, 'tsc'), ['-b'], 'read the errors above')
}

async function step(title, command, args, remedy) {
  const startMs = Date.now()
  process.stderr.write(`${title} … `)
  const { code, said } = await run(command, args, {
    cwd: root,
    env: { ...environment, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).catch((error) => ({ code: 1, said: `${error.message}\n` }))
  if (code !== 0) {
    process.stderr.write(`failed\n${said}\n${title} failed: ${remedy}.\n`)
    process.exit(1)
  }
  process.stderr.write(`done in ${((Date.now() - startMs) / 1000).toFixed(1)} s\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()
