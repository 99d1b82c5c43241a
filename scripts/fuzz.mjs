#!/usr/bin/env node
// `npm run fuzz [-- --seconds N --target NAME --json]`: tries every wire reader on octets that it has not seen.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Progress } from './bench/progress.mjs'
import { readOptions, refuse } from './fuzz/options.mjs'
import { Worker } from './fuzz/worker.mjs'
import { root, setup } from './setup.mjs'

const { json, seconds, targets } = readOptions(process.argv.slice(2))
await setup()

const say = (text) => (json ? process.stderr : process.stdout).write(`${text}\n`)
const progress = new Progress(process.stderr)
const worker = new Worker()
process.on('exit', () => worker.close())
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
  process.on(signal, () => process.exit(128 + number))

try {
  const known = await worker.start()
  const unknown = targets.find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`There is no reader ${unknown}; there are ${known.join(', ')}.`)
  const results = await tryAll(targets.length > 0 ? known.filter((name) => targets.includes(name)) : known)
  const runs = results.reduce((sum, result) => sum + result.runs, 0)
  const found = results.reduce((sum, { findings }) => sum + findings.length, 0)
  const verdict = found === 0 ? 'nothing found' : `${found} found, kept in test/fuzz/vectors`
  say(`${runs} runs of ${results.length} readers: ${verdict}.`)
  if (json) process.stdout.write(`${JSON.stringify({ seconds, runs, found, results }, null, 2)}\n`)
  process.exitCode = found === 0 ? 0 : 1
} catch (error) {
  progress.end()
  process.stderr.write(`The readers could not be tried: ${error.message}\n`)
  process.exitCode = 1
} finally {
  worker.close()
}

/** Tries one reader after the other; what one leaves of its time is the others'. */
async function tryAll(names) {
  const endMs = performance.now() + seconds * 1000
  const results = []
  for (const [at, target] of names.entries()) {
    const title = `${target} (${at + 1} of ${names.length})`
    const show = (text) => process.stderr.isTTY && progress.step(`${title}${text}`)
    show('')
    const ms = Math.max(0, (endMs - performance.now()) / (names.length - at))
    const { corpus, findings, runs } = await worker.run(target, ms, (last) =>
      show(`: ${last.runs} runs, ${last.corpus} in the corpus`),
    )
    progress.end()
    say(`${target.padEnd(24)}${String(runs).padStart(9)} runs${String(corpus).padStart(6)} in the corpus`)
    const kept = findings.map(({ octets, reason }) => ({ file: keep(target, octets), bytes: octets.length, reason }))
    for (const { bytes, file, reason } of kept) say(`  FOUND ${file} (${bytes} octets)\n${indent(reason)}`)
    results.push({ target, runs, corpus, findings: kept })
  }
  return results
}

/** Keeps the octets of a finding, and answers with their file. */
function keep(target, octets) {
  const folder = join(root, 'test/fuzz/vectors', target)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, createHash('sha256').update(octets).digest('hex').slice(0, 16))
  writeFileSync(file, octets)
  return relative(root, file)
}

function indent(text) {
  return text.trimEnd().replace(/^/gm, '    ')
}
