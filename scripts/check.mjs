#!/usr/bin/env node
// `npm run check [-- --fix]`: format, lint and dead code.
import { spawnSync } from 'node:child_process'
import { environment, root, setup } from './setup.mjs'

const fix = process.argv.includes('--fix')
const checks = [
  ['format', 'biome', ['check', ...(fix ? ['--write'] : []), '.']],
  ['lint', 'oxlint', ['--type-aware', ...(fix ? ['--fix'] : [])]],
  ['types of the tests', 'tsc', ['-p', 'tsconfig.test.json']],
  ['dead code', 'knip', []],
]

await setup()
let failed = 0
for (const [what, command, args] of checks) {
  console.log('──', what)
  if (spawnSync(command, args, { cwd: root, env: environment, stdio: 'inherit' }).status !== 0) failed += 1
}
console.log(
  failed === 0
    ? 'All is in order.'
    : `${failed} of ${checks.length} checks failed; \`npm run check -- --fix\` mends what can be mended.`,
)
process.exit(failed === 0 ? 0 : 1)
