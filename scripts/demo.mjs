#!/usr/bin/env node
// `npm start [-- --once …]`: sets up what is missing, then runs `postern demo` with the arguments given.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { environment, node, root, setup } from './setup.mjs'

setup()
const demo = spawn(node, [join(root, 'packages/cli/bin/postern.mjs'), 'demo', ...process.argv.slice(2)], {
  env: environment,
  stdio: 'inherit',
})
// A signal that the terminal sends to the whole group reaches the demo by itself; one sent to us alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => demo.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
demo.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
