import assert from 'node:assert/strict'
import { mkdtempDisposableSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Counters } from '@postern/observe'
import { eventually } from '@postern/test-kit'
import { StateWriter } from '../src/state-writer.ts'

/** A folder that cannot be written to, because a file is in its place, until `mend`. */
function brokenIn(root: string) {
  const folder = join(root, 'state')
  writeFileSync(folder, '')
  return { at: (name: string) => join(folder, name), folder, mend: () => rmSync(folder) }
}

test('what cannot be written is in memory, the newest of each file, and is written with the next that can be', () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-state-'))
  const { at, mend } = brokenIn(root.path)
  const counters = new Counters()
  const writer = new StateWriter(counters)
  writer.keep(at('a'), 'old')
  writer.keep(at('a'), 'new')
  writer.keep(at('b'), 'b')
  assert.deepEqual(
    writer.unwritten.map(({ file }) => file),
    [at('a'), at('b')],
  )
  for (const { reason } of writer.unwritten) assert.match(reason, /^cannot write .*state/)
  assert.equal(counters.snapshot()['state_writes_failed'], 3)
  mend()
  writer.keep(at('c'), 'c')
  assert.deepEqual(writer.unwritten, [])
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => readFileSync(at(name), 'utf8')),
    ['new', 'b', 'c'],
  )
  writer.stop()
})

test('what waits is tried again by itself, and so is a folder that took nothing', async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-state-'))
  const { at, folder, mend } = brokenIn(root.path)
  const writer = new StateWriter(new Counters())
  writer.keep(at('a'), 'a')
  writer.watch(folder)
  assert.equal(writer.unwritten.length, 2)
  mend()
  await eventually('both are written', () => writer.unwritten.length === 0)
  assert.equal(readFileSync(at('a'), 'utf8'), 'a')
  writer.stop()
})

test('what waits is tried a last time when the node stops', () => {
  using root = mkdtempDisposableSync(join(tmpdir(), 'postern-state-'))
  const { at, mend } = brokenIn(root.path)
  const writer = new StateWriter(new Counters())
  writer.keep(at('a'), 'a')
  mend()
  writer.stop()
  assert.equal(readFileSync(at('a'), 'utf8'), 'a')
})
