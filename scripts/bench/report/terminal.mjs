import { budgetCells } from '../budget.mjs'
import { failureLines } from './failure-lines.mjs'
import { machineLines } from './machine-line.mjs'

/** The result for people: a block for each scenario, and what it was measured on. */
export function table(result) {
  return [...result.blocks.map(block), ...failureLines(result), ...machineLines(result), ''].join('\n')
}

function block({ title, columns, rows, budget, notes }) {
  const met = budget.length > 0 ? ['', ...lines(['budget', 'measured', 'limit', ''], budget.map(budgetCells))] : []
  const said = notes.length > 0 ? ['', ...notes] : []
  return [`■ ${title}`, '', ...lines(columns, rows), ...met, ...said, '', ''].join('\n')
}

/** Lays rows out in columns, the first to the left, the others to the right, with a line below the first row. */
function lines(head, rows) {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length)))
  const line = (row) =>
    row.map((text, at) => (at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at]))).join('   ')
  return [line(head), widths.map((width) => '─'.repeat(width)).join('   '), ...rows.map(line)].map((each) =>
    each.trimEnd(),
  )
}
