#!/usr/bin/env node
// `npm start [-- --once …]`: sets up what is missing, then runs `postern demo` with the arguments given.
import { join } from 'node:path'
import { follow, run } from './lifeline.mjs'
import { environment, node, root, setup } from './setup.mjs'

follow()
await setup()
// The demo ends when its channel to this process closes, however this process ends.
const { code } = await run(node, [join(root, 'packages/cli/bin/postern.mjs'), 'demo', ...process.argv.slice(2)], {
  env: environment,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
process.exit(code)
