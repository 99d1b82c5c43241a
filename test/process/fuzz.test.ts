import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './command.ts'

const fuzz = (...words: readonly string[]) =>
  run([process.execPath, join(import.meta.dirname, '../../scripts/fuzz.mjs'), ...words])

test('npm run fuzz tries the readers that are named, for as long as is said, and finds nothing', async () => {
  const { end, err, out } = await fuzz('--seconds', '1', '--target', 'knock', '--target', 'frames', '--json')
  assert.equal(end, 0, err)
  const { found, results } = JSON.parse(out) as { found: number; results: Array<{ target: string; runs: number }> }
  assert.equal(found, 0)
  assert.deepEqual(
    results.map(({ target }) => target),
    ['knock', 'frames'],
  )
  for (const { runs, target } of results) assert.ok(runs > 100, `${target}: ${runs} runs`)
})

test('npm run fuzz says how it is used, and refuses what it does not know', async () => {
  assert.match((await fuzz('--help')).out, /--seconds 60/)
  for (const [words, said] of [
    [['--seconds', '0'], /whole number/],
    [['--nonsense'], /--nonsense/],
    [['--target', 'nobody'], /no reader nobody; there are knock, hello,/],
  ] as const) {
    const { end, err } = await fuzz(...words)
    assert.equal(end, 2)
    assert.match(err, said)
  }
})
