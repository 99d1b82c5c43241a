import { figures } from './figures.mjs'

/**
 * The result as it is written: for each figure the medians over the turns and their ratio, mesh ÷ yardstick; under
 * `spread`, `[lowest, highest]` of each, where a ratio is one of a turn.
 */
export function report({ machine, options, samples, sides }) {
  const of = (side) => samples.filter((sample) => sample.side === side)
  const [mesh, yardstick] = [of('mesh'), of('yardstick')]
  const taken = figures.filter(({ key }) => mesh[0].figures[key] !== undefined)
  const series = ({ key }) => {
    const values = {
      mesh: mesh.map((each) => each.figures[key]),
      yardstick: yardstick.map((each) => each.figures[key]),
    }
    return { ...values, ratio: values.mesh.map((value, at) => value / values.yardstick[at]) }
  }
  const eachFigure = (summary) => Object.fromEntries(taken.map((figure) => [figure.key, summary(series(figure))]))
  return {
    ...eachFigure((values) => {
      const medians = { mesh: median(values.mesh), yardstick: median(values.yardstick) }
      return rounded({ ...medians, ratio: medians.mesh / medians.yardstick })
    }),
    spread: eachFigure((values) => mapValues(values, (list) => [Math.min(...list), Math.max(...list)].map(round))),
    rss_mb_of_nodes: Object.fromEntries(
      sides.map(({ name, nodes }) => [
        name,
        Object.fromEntries(nodes.map((node) => [node.name, round(median(of(name).map(({ rss }) => rss[node.name])))])),
      ]),
    ),
    errors: { mesh: sum(mesh), yardstick: sum(yardstick) },
    quick: options.quick,
    turns: mesh.length,
    ...machine,
  }
}

function sum(samples) {
  return samples.reduce((total, { errors }) => total + errors, 0)
}

function median(values) {
  const sorted = [...values]
  sorted.sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

function rounded(object) {
  return mapValues(object, round)
}

/** Four digits that count: a measurement has no more. */
function round(value) {
  return Number(value.toPrecision(4))
}
