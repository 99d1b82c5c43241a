#!/usr/bin/env node
// `npm run bench [-- --quick --only NAME --json FILE …]`: measures a mesh beside other chains, and under further loads.
import { Bench } from './bench/bench.mjs'
import { describeMachine } from './bench/machine.mjs'
import { readOptions } from './bench/options.mjs'
import { Progress } from './bench/progress.mjs'
import { report } from './bench/report/report.mjs'
import { table } from './bench/report/terminal.mjs'
import { writeReports } from './bench/report/write.mjs'
import { findTools } from './bench/tools.mjs'
import { setup } from './setup.mjs'

const options = readOptions(process.argv.slice(2))
const tools = findTools()
await setup()

const progress = new Progress(process.stderr)
const bench = new Bench({ options, tools, progress })
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
  process.on(signal, () => void bench.stop().then(() => process.exit(128 + number)))
// A defect of the benchmark itself leaves nothing behind either.
process.on('uncaughtException', (error) => {
  process.stderr.write(`The benchmark broke: ${error.stack}\n`)
  void bench.stop().then(() => process.exit(1))
})

try {
  const machine = describeMachine(tools)
  if (machine.machine.busy) progress.step('other programs keep this machine busy: expect worse figures that vary more')
  const found = await bench.run()
  progress.end()
  const result = report({ machine, options, found })
  process.stdout.write(`\n${table(result)}`)
  writeReports(result, options)
  if (found.some(({ error }) => error !== undefined) || Object.keys(result.failed ?? {}).length > 0)
    process.exitCode = 1
} catch (error) {
  progress.end()
  process.stderr.write(`The benchmark failed: ${error.message}\n`)
  process.exitCode = 1
}
// Waits that nobody waits for any more would hold the process until their deadlines.
process.exit()
