import { budgetCells } from '../budget.mjs'
import { failureLines } from './failure-lines.mjs'
import { machineLines } from './machine-line.mjs'

const marks = { begin: '<!-- figures -->', end: '<!-- /figures -->' }

/** The result as Markdown: a table for each scenario and one of the budget, and what it was measured on. */
export function markdown(result) {
  const budget = result.blocks.flatMap((block) => block.budget)
  return [
    machineLines(result).join('\n'),
    ...failureLines(result),
    '### The budget',
    tableOf(['measure', 'measured', 'limit', ''], budget.map(budgetCells)),
    ...result.blocks.flatMap(({ title, columns, rows, notes }) => [
      `### ${title}`,
      tableOf(columns, rows),
      ...(notes.length > 0 ? [notes.join('\n')] : []),
    ]),
  ].join('\n\n')
}

/** The page with what stands between its marks replaced. Throws when it does not have one of each, in order. */
export function withFigures(page, text) {
  const [before, rest, ...more] = page.split(marks.begin)
  const [, after, ...others] = (rest ?? '').split(marks.end)
  if (after === undefined || more.length > 0 || others.length > 0)
    throw new Error(`the page needs one ${marks.begin} and behind it one ${marks.end}`)
  return `${before}${marks.begin}\n\n${text}\n\n${marks.end}${after}`
}

function tableOf(columns, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(columns), line(columns.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
