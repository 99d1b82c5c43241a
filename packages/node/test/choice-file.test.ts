import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { replaceFile } from '@postern/identity'
import { type Log, silentLog } from '@postern/protocol'
import { choiceFile } from '../src/choice-file.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-choice-'))
  file = join(folder, 'state', 'guards.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const minuteMs = 60_000
const choice = { peer: '12D3KooWGzvR', addresses: ['/ip4/192.0.2.1/tcp/4001'], lastSeenMs: 10 * minuteMs }

/** A log that keeps the warnings. */
function warnings(): { log: Log; said: string[] } {
  const said: string[] = []
  return { said, log: { ...silentLog, warn: (event) => said.push(event) } }
}

test('choices come back as they were saved, to the minute', () => {
  const { log, said } = warnings()
  choiceFile(file, { keep: replaceFile, log }).save([
    choice,
    { ...choice, peer: 'other', lastSeenMs: 10 * minuteMs + 59_999 },
  ])
  assert.deepEqual(choiceFile(file, { keep: replaceFile, log }).load(), [choice, { ...choice, peer: 'other' }])
  assert.deepEqual(said, [])
})

test('where nothing was saved there are no choices, and nobody is warned', () => {
  const { log, said } = warnings()
  assert.deepEqual(choiceFile(file, { keep: replaceFile, log }).load(), [])
  assert.deepEqual(said, [])
})

test('a file that cannot be read counts as none, is said so, and is replaced by the next choice', () => {
  choiceFile(file, { keep: replaceFile, log: silentLog }).save([choice])
  for (const text of [
    '',
    '{',
    '[{"peer":1}]',
    '{"peer":"x"}',
    '[{"peer":"x","addresses":[],"lastSeenMs":0,"more":1}]',
  ]) {
    const { log, said } = warnings()
    writeFileSync(file, text)
    const store = choiceFile(file, { keep: replaceFile, log })
    assert.deepEqual(store.load(), [], text)
    assert.equal(said.length, 1, text)
    store.save([choice])
    assert.deepEqual(store.load(), [choice])
  }
})

test('what has not changed is not written again', () => {
  const store = choiceFile(file, { keep: replaceFile, log: silentLog })
  store.save([choice])
  const { ino } = statSync(file)
  store.save([{ ...choice, lastSeenMs: choice.lastSeenMs + minuteMs - 1 }])
  assert.equal(statSync(file).ino, ino)
  store.save([{ ...choice, lastSeenMs: choice.lastSeenMs + minuteMs }])
  assert.match(readFileSync(file, 'utf8'), new RegExp(`${11 * minuteMs}`))
})

test('choices are read by their owner alone', () => {
  choiceFile(file, { keep: replaceFile, log: silentLog }).save([choice])
  assert.equal(statSync(file).mode & 0o777, 0o600)
})
