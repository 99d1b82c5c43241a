import { budgeted } from '../budget.mjs'
import { mapValues, median, number, round } from '../numbers.mjs'
import { always, titleOf } from '../sides.mjs'
import { figures, ratios } from './figures.mjs'

/**
 * What the samples of a comparison say: for each figure the median of every side over the turns, and `ratio`, mesh ÷
 * yardstick; under `spread`, `[lowest, highest]` of each, where a ratio is one of a turn; memory of the nodes in MB,
 * after a turn and at most in each load; and `failed`, by figure the sides whose requests failed in it.
 */
export function comparison(samples) {
  const names = [...new Set(samples.map(({ side }) => side))]
  const of = (name) => samples.filter(({ side }) => side === name)
  const bySide = (summary) => Object.fromEntries(names.map((name) => [name, summary(of(name))]))
  const taken = figures.filter(({ key }) => samples[0].figures[key] !== undefined)
  const series = ({ key }) => {
    const values = bySide((own) => own.map((each) => each.figures[key]))
    return { ...values, ratio: values.mesh.map((value, at) => value / values.yardstick[at]) }
  }
  const eachFigure = (summary) => Object.fromEntries(taken.map((figure) => [figure.key, summary(series(figure))]))
  const middle = (readings) =>
    mapValues(readings[0], (_, name) => round(median(readings.map((reading) => reading[name]))))
  return {
    ...eachFigure((values) => {
      const medians = mapValues(values, median)
      return mapValues({ ...medians, ratio: medians.mesh / medians.yardstick }, round)
    }),
    spread: eachFigure((values) => mapValues(values, (list) => [Math.min(...list), Math.max(...list)].map(round))),
    rss_mb_of_nodes: bySide((own) => middle(own.map(({ rss }) => rss))),
    peak_rss_mb: bySide((own) => mapValues(own[0].peaks, (_, load) => middle(own.map(({ peaks }) => peaks[load])))),
    errors: bySide((own) => own.reduce((total, { errors }) => total + errors, 0)),
    failed: failures(samples),
    turns: of('mesh').length,
  }
}

/** By figure, the sides whose requests failed while it was taken: those figures count for nothing. */
function failures(samples) {
  const failed = {}
  for (const { failed: keys, side } of samples)
    for (const key of keys) {
      failed[key] ??= []
      if (!failed[key].includes(side)) failed[key].push(side)
    }
  return failed
}

/** A comparison as a block of the report: a row for each figure, the budget, and the memory of the nodes. */
export function comparisonBlock(result, { quick, seconds }) {
  const windows = seconds === undefined ? (quick ? ', with short windows' : '') : `, with windows of ${seconds} s`
  const taken = figures.filter(({ key }) => result[key] !== undefined)
  const names = Object.keys(result.errors)
  const rows = taken.map(({ digits, key, title }) => {
    const cell = (side) => {
      const [low, high] = result.spread[key][side].map((value) => number(value, digits))
      const mark = result.failed[key]?.includes(side) ? '✗' : ''
      const range = always.includes(side) ? ` (${low}–${high})` : ''
      return `${number(result[key][side], digits)}${mark}${range}`
    }
    return [title, ...names.map(cell), `${number(result[key].ratio, 2)}×`]
  })
  const memory = (nodes) =>
    Object.entries(nodes)
      .map(([name, mb]) => `${name} ${Math.round(mb)}`)
      .join(', ')
  const peaks = Object.entries(result.peak_rss_mb).map(([side, byLoad]) => {
    const nodes = Object.values(byLoad)
    return `${titleOf(side)}: ${memory(mapValues(nodes[0], (_, name) => Math.max(...nodes.map((each) => each[name]))))}`
  })
  return {
    title: 'The mesh beside chains of three',
    columns: ['measure', ...names.map(titleOf), 'mesh ÷ nginx TLS'],
    rows,
    budget: ratios
      .filter(({ key }) => result[key] !== undefined && result.failed[key] === undefined)
      .map(({ key, rule }) => budgeted(figures.find((each) => each.key === key).title, result[key].ratio, '×', rule)),
    notes: [
      `Median (lowest–highest) of ${result.turns} turns${windows}. CPU is of all three nodes.`,
      `Peak RSS MB in the heaviest load. ${peaks.join('; ')}.`,
      ...Object.entries(result.errors)
        .filter(([, count]) => count > 0)
        .map(([side, count]) => `${count} requests through ${titleOf(side)} FAILED: figures marked ✗ do not count.`),
    ],
  }
}
