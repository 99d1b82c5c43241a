import { titleOf } from '../sides.mjs'
import { machineLines } from './machine-line.mjs'
import { panel } from './panel.mjs'
import { box, colours, escaped, text } from './svg.mjs'

const width = 1000
const margin = 28
const gap = 32
const panelWidth = (width - 2 * margin - gap) / 2
const headHeight = 92

/** A picture of the result as an SVG, on a ground of its own, for pages light and dark. */
export function plot(result) {
  const names = Object.keys(result.errors ?? {})
  const panels = [...ofChains(result, names), ...ofRelays(result)].filter(({ groups }) => groups.length > 0)
  let y = headHeight
  const drawn = []
  for (let at = 0; at < panels.length; at += 2) {
    const row = panels
      .slice(at, at + 2)
      .map((each, column) => panel(each, margin + column * (panelWidth + gap), y, panelWidth))
    drawn.push(...row.map(({ drawing }) => drawing))
    y += Math.max(...row.map(({ height }) => height)) + gap
  }
  const height = y + 32
  const label = `Postern beside other chains of three, measured ${result.date.slice(0, 10)}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}" font-family="system-ui, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif">`,
    box(0.5, 0.5, width - 1, height - 1, { fill: colours.ground, stroke: colours.rim, rx: 10 }),
    text(margin, 36, label, { size: 19, weight: 600 }),
    ...legend(names),
    ...drawn,
    ...machineLines(result).map((each, at) =>
      text(margin, height - 34 + at * 16, each, { size: 11, fill: colours.faint }),
    ),
    '</svg>\n',
  ].join('\n')
}

function legend(names) {
  let x = margin
  return names.flatMap((name) => {
    const title = titleOf(name)
    const at = x
    x += 44 + title.length * 7.6
    return [
      box(at, 54, 12, 12, { fill: colours.sides[name], rx: 2 }),
      text(at + 18, 64.5, title, { size: 13, weight: name === 'mesh' ? 600 : 400 }),
    ]
  })
}

function ofChains(result, names) {
  const group = ([key, title]) => ({
    title,
    bars: names.map((name) => ({ value: result[key][name], fill: colours.sides[name], strong: name === 'mesh' })),
  })
  const panelOf = (title, better, digits, keys, apart = false) => ({
    title,
    better,
    digits,
    apart,
    groups: keys.filter(([key]) => result[key] !== undefined).map(group),
  })
  return [
    panelOf('Requests per second, by connections', 'more is better', 0, [
      ['requests_per_s_1', '1'],
      ['requests_per_s', '64'],
      ['requests_per_s_256', '256'],
    ]),
    panelOf('CPU µs per request, three nodes, by connections', 'less is better', 0, [
      ['cpu_us_per_request_1', '1'],
      ['cpu_us_per_request', '64'],
      ['cpu_us_per_request_256', '256'],
    ]),
    panelOf('Bulk, MB per second', 'more is better', 0, [
      ['bulk_mb_per_s', '10 MB ↓'],
      ['upload_mb_per_s', '10 MB ↑'],
      ['bulk_1gb_mb_per_s', '1 GB ↓'],
      ['upload_1gb_mb_per_s', '1 GB ↑'],
    ]),
    panelOf(
      'p50 ms, by connections, scales apart',
      'less is better',
      2,
      [
        ['p50_ms_1', '1'],
        ['p50_ms_64', '64'],
        ['p50_ms_256', '256'],
      ],
      true,
    ),
  ]
}

function ofRelays({ scenarios }) {
  const rows = scenarios.relays ?? []
  const panelOf = (title, key, digits) => ({
    title,
    better: 'less is better',
    digits,
    groups: rows.map((row) => ({
      title: String(row.relays),
      bars: [{ value: row[key], fill: colours.sides.mesh, strong: true }],
    })),
  })
  return [
    panelOf('CPU µs per request by relays, 64 connections', 'cpu_us_per_request', 0),
    panelOf('p50 ms by relays, one connection', 'p50_ms_1', 2),
  ]
}
