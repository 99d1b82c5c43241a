import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { budgeted } from '../../scripts/bench/budget.mjs'
import { parse } from '../../scripts/bench/options.mjs'
import { comparison, comparisonBlock } from '../../scripts/bench/report/comparison.mjs'
import { markdown, withFigures } from '../../scripts/bench/report/markdown.mjs'
import { plot } from '../../scripts/bench/report/plot.mjs'
import { report } from '../../scripts/bench/report/report.mjs'
import { table } from '../../scripts/bench/report/terminal.mjs'
import { scenarios } from '../../scripts/bench/scenarios.mjs'
import { sides } from '../../scripts/bench/sides.mjs'
import { run } from './command.ts'

const bench = (...words: readonly string[]) =>
  run([process.execPath, join(import.meta.dirname, '../../scripts/bench.mjs'), ...words])

const machine = {
  date: '2026-11-22T12:00:00.000Z',
  machine: { cores: 2, cpu: 'A <fast> & "plain" one', memoryMb: 8000, kernel: '6.1', load: 0.5, busy: false },
  versions: { node: '26.10.0', wrk: '4.1.0' },
}

function sample(side: string, turn: number, requestsPerS: number, failed: readonly string[] = []) {
  return {
    side,
    turn,
    figures: { requests_per_s: requestsPerS, cpu_us_per_request: 1e6 / requestsPerS, bulk_mb_per_s: 100, rss_mb: 50 },
    rss: { first: 40, second: 50 },
    peaks: { small: { first: 41, second: 52 } },
    errors: failed.length,
    failed,
  }
}

/** What the tests read of a comparison. */
interface Compared {
  readonly requests_per_s: { readonly mesh: number; readonly yardstick: number; readonly ratio: number }
  readonly spread: { readonly requests_per_s: { readonly mesh: number[]; readonly ratio: number[] } }
}

const names = sides.map(({ name }) => name)
const samples = [
  ...names.flatMap((name, at) => [sample(name, 1, 1000 + at), sample(name, 2, 2000 + at)]),
  ...names.map((name, at) => sample(name, 3, name === 'yardstick' ? 4000 : 3000 + at)),
]
const options = parse([])

function resultOf(taken = samples) {
  const data = comparison(taken)
  const relays = [1, 2, 3].map((count) => ({ relays: count, cpu_us_per_request: 50 * count, p50_ms_1: 0.2 * count }))
  const block = { title: 'Relays', columns: ['relays'], rows: [['1']], budget: [], notes: [] }
  return report({
    machine,
    options,
    found: [
      { name: 'requests', data, block: comparisonBlock(data, options) },
      { name: 'relays', data: relays, block },
      { name: 'slow', error: 'it broke' },
    ],
  })
}

test('a ratio is mesh ÷ yardstick, of medians over the turns, and its spread that of the turns', () => {
  const { requests_per_s: figure, spread } = comparison(samples) as unknown as Compared
  assert.deepEqual([figure.mesh, figure.yardstick, figure.ratio], [2000, 2001, Number((2000 / 2001).toPrecision(4))])
  assert.deepEqual(spread.requests_per_s.ratio, [0.75, 0.9995])
  assert.deepEqual(spread.requests_per_s.mesh, [1000, 3000])
})

test('figures in whose window requests failed are marked, and count for no line of the budget', () => {
  const failing = [1, 2, 3].flatMap((turn) => [
    sample('mesh', turn, 1000, ['requests_per_s']),
    sample('yardstick', turn, 1000),
  ])
  const data = comparison(failing)
  assert.deepEqual(data.failed, { requests_per_s: ['mesh'] })
  const { budget, notes, rows } = comparisonBlock(data, options)
  const row = rows.find(([title]) => title?.startsWith('requests/s, 64'))
  assert.match(row?.[1] ?? '', /✗/)
  assert.doesNotMatch(row?.[2] ?? '', /✗/)
  assert.ok(notes.some((note) => /3 requests through mesh FAILED/.test(note)))
  assert.deepEqual(
    budget.map(({ measure }) => measure),
    ['CPU µs per request, 64 connections', 'download MB/s, 10 MB at a time'],
  )
})

test('a limit of the budget is met up to its bound, and a strict one below it', () => {
  assert.equal(budgeted('a', 1, '×', { atLeast: 1 }).met, true)
  assert.equal(budgeted('a', 0.99, '×', { atLeast: 1 }).met, false)
  assert.equal(budgeted('a', 1, '×', { atMost: 1 }).met, true)
  assert.equal(budgeted('a', 100, 'MB', { below: 100 }).met, false)
  assert.equal(budgeted('a', 100, 'MB', { below: 100 }).limit, '< 100 MB')
})

test('the result keeps the comparison at its top, and a scenario that failed keeps the others', () => {
  const result = resultOf()
  assert.equal((result as unknown as Compared).requests_per_s.mesh, 2000)
  assert.deepEqual(Object.keys(result.scenarios), ['relays'])
  assert.deepEqual(result.failures, { slow: 'it broke' })
  const text = table(result)
  for (const said of ['■ Relays', 'mesh ÷ nginx TLS', 'NOT met', '2 000', 'Node.js 26.10.0', 'slow FAILED'])
    assert.ok(text.includes(said), said)
})

test('the plot is well-formed, names every side, and says when and where it was taken', () => {
  const picture = plot(resultOf())
  const open: string[] = []
  for (const [, closing, name = '', own] of picture.matchAll(/<(\/?)(\w+)(?:\s[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (closing === '/') assert.equal(open.pop(), name)
    else if (own !== '/') open.push(name)
  }
  assert.deepEqual(open, [])
  const left = picture.replaceAll(/<(\/?)(\w+)(?:\s[\w:-]+="[^"<]*")*\s*(\/?)>/g, '')
  assert.doesNotMatch(left.replaceAll(/&(amp|lt|gt|quot);/g, ''), /[<>&]/)
  for (const { title } of sides) assert.ok(left.includes(title), title)
  for (const said of ['2026-11-22', 'A &lt;fast&gt; &amp; &quot;plain&quot; one']) assert.ok(left.includes(said), said)
  assert.doesNotMatch(picture, /NaN|undefined|Infinity/)
})

test('the figures of the page are replaced, and nothing else', () => {
  const page = 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n'
  const text = markdown(resultOf())
  const written = withFigures(page, text)
  assert.ok(written.startsWith('before\n<!-- figures -->\n'))
  assert.ok(written.endsWith('<!-- /figures -->\nafter\n'))
  assert.ok(written.includes(text) && !written.includes('old'))
  assert.equal(withFigures(written, text), written)
  for (const wrong of ['', '<!-- figures -->', '<!-- /figures --><!-- figures -->', page + page])
    assert.throws(() => withFigures(wrong, text), /the page needs one/)
})

test('a run is what was asked for: all but the long one, a first look, or what is named', () => {
  const all = scenarios.map(({ name }) => name)
  assert.deepEqual(parse([]).only, all.slice(0, -1))
  assert.deepEqual(parse(['--long']).only, all)
  assert.deepEqual([parse(['--quick']).only, parse(['--quick']).sides], [['requests', 'bulk'], []])
  assert.deepEqual(parse(['--only', 'slow,relays', '--turns', '3']).only, ['relays', 'slow'])
  assert.throws(() => parse(['--only', 'nothing']), /--only knows no nothing; there are requests, bulk,/)
  assert.throws(() => parse(['--sides', 'mesh']), /--sides knows no mesh/)
  for (const wrong of ['0', '-1', '1.5', 'x', '']) assert.throws(() => parse([`--seconds=${wrong}`]), /whole number/)
})

test('npm run bench says how it is used, and refuses what it does not know', async () => {
  const help = await bench('--help')
  assert.equal(help.end, 0)
  for (const { name } of scenarios) assert.ok((await bench('--list')).out.includes(name), name)
  assert.match(help.out, /--only NAME/)
  const refused = await bench('--nonsense')
  assert.equal(refused.end, 2)
  assert.match(refused.err, /--nonsense/)
})
