import { figures } from './figures.mjs'

/** The result for people: a row for each figure, the memory of the nodes, and what it was measured on. */
export function table(result) {
  const rows = figures
    .filter(({ key }) => result[key] !== undefined)
    .map(({ digits, key, title }) => {
      const cell = (side) => `${number(result[key][side], digits)} ${range(result.spread[key][side], digits)}`
      return [title, cell('mesh'), cell('yardstick'), `${result[key].ratio.toFixed(2)}×`]
    })
  return [...columns([['measure', 'mesh', 'yardstick', 'mesh ÷ yardstick'], ...rows]), '', ...notes(result)].join('\n')
}

function notes({ errors, machine, quick, rss_mb_of_nodes: rss, turns, versions }) {
  const memory = Object.entries(rss).map(
    ([side, nodes]) =>
      `${side}: ${Object.entries(nodes)
        .map(([name, mb]) => `${name} ${Math.round(mb)}`)
        .join(', ')}`,
  )
  const failed = Object.entries(errors).filter(([, count]) => count > 0)
  return [
    `Median (lowest–highest) of ${turns} turns${quick ? '; a quick run, with short windows' : ''}.`,
    `RSS MB, ${memory.join('; ')}`,
    `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, load ${machine.load.toFixed(2)} before; ` +
      `Node.js ${versions.node}, nginx ${versions.nginx}, wrk ${versions.wrk}`,
    ...failed.map(([side, count]) => `${count} requests through the ${side} FAILED: its figures do not count.`),
  ]
}

/** Lays rows out in columns, the first to the left, the others to the right, with a line below the first row. */
function columns(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)))
  const lines = rows.map((row) =>
    row.map((text, at) => (at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at]))).join('   '),
  )
  return [lines[0], widths.map((width) => '─'.repeat(width)).join('   '), ...lines.slice(1)]
}

function range([low, high], digits) {
  return `(${number(low, digits)}–${number(high, digits)})`
}

function number(value, digits) {
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ' ')
}
