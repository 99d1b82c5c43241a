#!/usr/bin/env node
// `npm test [-- FILE…]`: sets up, runs every test that this machine can run, says what it left out, ends with the counts.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environment, node, root, setup } from './setup.mjs'

/** Groups of tests that need more than git, node and npm, and how to tell whether it is there. */
const demanding = [
  {
    folder: 'test/netns/',
    what: 'tests in network namespaces',
    needs: 'root, iproute2 (ip) and tcpdump',
    present: () => process.getuid?.() === 0 && runs('ip', ['netns', 'list']) && runs('tcpdump', ['--version']),
  },
  {
    folder: 'packages/policy/test/python',
    what: "paths as Python's urlsplit reads them",
    needs: 'python3',
    present: () => runs('python3', ['--version']),
  },
  {
    folder: 'test/disk/',
    what: 'tests of full and read-only disks',
    needs: 'root, and mount and unshare (util-linux) that may be used',
    present: () => process.getuid?.() === 0 && runs('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']),
  },
  {
    folder: 'test/process/bulk',
    what: 'transfers of a gigabyte',
    needs: 'curl',
    present: () => runs('curl', ['--version']),
  },
  {
    folder: 'test/process/git',
    what: 'git over HTTP',
    needs: 'git with its http-backend',
    present: () => runs('sh', ['-c', 'test -x "$(git --exec-path)/git-http-backend"']),
  },
]

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** Asked of the runtime that came with the install: the one running this may be too old to match patterns. */
function testFiles() {
  const script =
    "console.log(JSON.stringify(require('node:fs').globSync(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'], { exclude: (path) => path.includes('node_modules') })))"
  return JSON.parse(spawnSync(node, ['-e', script], { cwd: root, encoding: 'utf8' }).stdout).sort((a, b) =>
    a < b ? -1 : 1,
  )
}

await setup()
const asked = process.argv.slice(2)
const left = demanding.filter(({ present }) => !present())
const files =
  asked.length > 0 ? asked : testFiles().filter((file) => left.every(({ folder }) => !file.startsWith(folder)))
const folder = mkdtempSync(join(tmpdir(), 'postern-test-'))
const counts = join(folder, 'counts.json')
const { status } = spawnSync(
  node,
  [
    '--conditions=@postern/source',
    '--test',
    '--test-timeout=300000',
    // Two files at a time on any machine: most tests wait for something else than the processor.
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${fileURLToPath(new URL('./counts.mjs', import.meta.url))}`,
    `--test-reporter-destination=${counts}`,
    ...files,
  ],
  { cwd: root, env: environment, stdio: 'inherit' },
)
const { passed = 0, failed = 0 } = readCounts()
rmSync(folder, { recursive: true, force: true })
for (const { needs, what } of left) console.log(`Left out: ${what}, which need ${needs}.`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(status === 0 && failed === 0 && passed > 0 ? 0 : 1)

function readCounts() {
  try {
    return JSON.parse(readFileSync(counts, 'utf8'))
  } catch {
    return {}
  }
}
