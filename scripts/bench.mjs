#!/usr/bin/env node
// `npm run bench [-- --quick --json FILE]`: measures a mesh of three nodes against a chain of three nginx, in turns.
import { writeFileSync } from 'node:fs'
import { startBackend } from './bench/backend.mjs'
import { compare } from './bench/compare.mjs'
import { expectRightAnswers } from './bench/expect.mjs'
import { describeMachine } from './bench/machine.mjs'
import { startMesh } from './bench/mesh.mjs'
import { readOptions } from './bench/options.mjs'
import { Progress } from './bench/progress.mjs'
import { report } from './bench/report.mjs'
import { table } from './bench/table.mjs'
import { findTools } from './bench/tools.mjs'
import { Workshop } from './bench/workshop.mjs'
import { startYardstick } from './bench/yardstick.mjs'
import { setup } from './setup.mjs'

const options = readOptions(process.argv.slice(2))
const tools = findTools()
setup()

const workshop = new Workshop()
const progress = new Progress(process.stderr)
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
for (const [signal, number] of Object.entries(signals))
  process.on(signal, () => {
    process.exitCode = 128 + number
    void workshop.close().then(() => process.exit())
  })

try {
  const machine = describeMachine(tools)
  progress.step('starting the backend, the yardstick and the mesh')
  const backend = await startBackend(workshop, tools)
  const yardstick = await startYardstick(workshop, tools, backend)
  const mesh = await startMesh(workshop, backend)
  const sides = [mesh, yardstick]
  progress.step('checking that both answer right')
  for (const side of sides) await expectRightAnswers(side)
  const died = sides.flatMap(({ nodes }) => nodes.map((node) => node.died))
  const samples = await Promise.race([compare({ sides, options, tools, workshop, progress }), ...died])
  progress.end()
  const result = report({ machine, options, samples, sides })
  process.stdout.write(`\n${table(result)}\n`)
  const said = workshop.logs('mesh-')
  if (said !== '') process.stderr.write(`\nThe nodes of the mesh logged warnings, the last of them:\n${said}\n`)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
  if (result.errors.mesh + result.errors.yardstick > 0) process.exitCode = 1
} catch (error) {
  progress.end()
  // What fails because a signal has closed the workshop is no failure.
  if (!workshop.closing) {
    process.stderr.write(`The benchmark failed: ${error.message}\n${workshop.logs('')}\n`)
    process.exitCode = 1
  }
} finally {
  await workshop.close()
}
// Waits that nobody waits for any more would hold the process until their deadlines.
process.exit()
