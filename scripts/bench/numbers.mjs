/** Four digits that count: a measurement has no more. */
export function round(value) {
  return Number(value.toPrecision(4))
}

/** For people: fixed digits after the point, and a narrow space between thousands. */
export function number(value, digits) {
  const [whole, fraction] = value.toFixed(digits).split('.')
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ' ')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}

export function median(values) {
  const sorted = [...values]
  sorted.sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

export function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}
