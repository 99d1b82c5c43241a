import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** A row of a table, with the tests that its last cell names. */
interface Row {
  readonly title: string
  readonly tests: ReadonlyArray<{ readonly file: string; readonly name: string }>
}

/** The rows of all tables; in a last cell, a link names a file, and each code span after it a test in that file. */
function rowsOf(page: string): Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('|') && !/^\|(-+\|)+$/.test(line))
  const rows = lines.map((line) => line.split('|').slice(1, -1))
  const isHeader = (cells: readonly string[]) => cells.at(-1)?.trim() === 'held by'
  return rows
    .filter((cells) => !isHeader(cells))
    .map((cells) => ({
      title: cells[0]?.trim() ?? '',
      tests: testsIn(cells.at(-1) ?? ''),
    }))
}

function testsIn(cell: string): Row['tests'] {
  let file = ''
  return [...cell.matchAll(/\]\(\.\.\/([^)]+)\)|`([^`]+)`/g)].flatMap(([, link, name]) => {
    file = link ?? file
    return name === undefined ? [] : [{ file, name }]
  })
}

/** Names of the tests in a source. That of a generated test is its template, as it is written: `${…}` stands for values. */
function namesIn(source: string): Set<string> {
  const calls = source.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)
  return new Set([...calls].map(([, , name = '']) => name.replaceAll(/\\(.)/g, '$1')))
}

test('every test that the threat model names is there, by exactly that name', () => {
  const named = rowsOf(read('docs/threat-model.md')).flatMap(({ tests }) => tests)
  const missing = named.filter(({ file, name }) => {
    const isTest = file.endsWith('.test.ts') && existsSync(join(root, file))
    return !isTest || !namesIn(read(file)).has(name)
  })
  assert.deepEqual(missing, [])
})

test('every row of the threat model names a test, and no table lacks the column for it', () => {
  const page = read('docs/threat-model.md')
  const rows = rowsOf(page)
  assert.deepEqual(
    rows.filter(({ tests }) => tests.length === 0).map(({ title }) => title),
    [],
  )
  const tables = page.match(/^\|(-+\|)+$/gm) ?? []
  assert.equal(page.match(/ \| held by \|$/gm)?.length, tables.length)
  assert.ok(tables.length > 2 && rows.length > tables.length)
})

test('who reads of the promises elsewhere is led to the threat model', () => {
  assert.match(read('README.md'), /\]\(docs\/threat-model\.md\)/)
  assert.match(read('docs/design.md'), /\]\(threat-model\.md[#)]/)
})
