import { number, round } from './numbers.mjs'

const rules = {
  atLeast: { sign: '≥', holds: (value, bound) => value >= bound },
  atMost: { sign: '≤', holds: (value, bound) => value <= bound },
  below: { sign: '<', holds: (value, bound) => value < bound },
}

/**
 * A line of the budget with what was measured: `{ measure, value, unit, limit, met }`. `rule` is one of `{ atLeast }`,
 * `{ atMost }`, `{ below }`, in the unit.
 */
export function budgeted(measure, value, unit, rule) {
  const [[name, bound]] = Object.entries(rule)
  const { holds, sign } = rules[name]
  return { measure, value: round(value), unit, limit: `${sign} ${bound}${spaced(unit)}`, met: holds(value, bound) }
}

/** A line of the budget in words: what, how much, the limit, whether it is met. */
export function budgetCells({ measure, value, unit, limit, met }) {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0
  return [measure, `${number(value, digits)}${spaced(unit)}`, limit, met ? 'met' : 'NOT met']
}

const spaced = (unit) => (unit === '' || unit === '×' ? unit : ` ${unit}`)
