/**
 * The result as it is written: the figures of the comparison with other chains at the top, those of the other scenarios
 * under `scenarios` by name, every line of the budget under `budget`, what failed as a whole under `failures`, and how
 * it is shown under `blocks`.
 */
export function report({ machine, options, found }) {
  const whole = found.filter(({ error }) => error === undefined)
  const blocks = whole.map(({ block }) => block)
  const isComparison = ({ name }) => name === 'requests' || name === 'bulk'
  const others = whole.filter((each) => !isComparison(each))
  return {
    ...whole.find(isComparison)?.data,
    scenarios: Object.fromEntries(others.map(({ data, name }) => [name, data])),
    budget: blocks.flatMap(({ budget }) => budget),
    failures: Object.fromEntries(
      found.filter(({ error }) => error !== undefined).map(({ error, name }) => [name, error]),
    ),
    quick: options.quick,
    ...machine,
    blocks,
  }
}
