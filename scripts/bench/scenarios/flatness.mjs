import { budgeted } from '../budget.mjs'
import { compare } from '../compare.mjs'
import { number, round } from '../numbers.mjs'
import { mediansOf, smallLoads } from './small-loads.mjs'

/**
 * Compares ways that differ in the number of something: the cost of a request is to be the same with many as with one.
 * `each` has `{ count, url, nodes, more }`; every URL is asked for `count` paths in turn, and `more` has further figures.
 * Yields `{ data, block }`, where `columns` names those figures.
 */
export async function flatness(bench, { what, title, each, columns = {}, notes }) {
  const sides = each.map(({ count, nodes, url }) => ({
    name: `${count} ${what}`,
    url,
    nodes,
    request: { paths: count },
  }))
  const loads = smallLoads.slice(0, 1)
  const found = mediansOf(await compare({ ...bench, sides, loads }))
  const data = found.map((figures, at) => ({
    [what]: each[at].count,
    ...figures,
    ...each[at].more,
    ratio: round(figures.cpu_us_per_request / found[0].cpu_us_per_request),
  }))
  const block = {
    title,
    columns: [what, 'requests/s, 64 connections', 'CPU µs per request', 'relative to 1', ...Object.values(columns)],
    rows: data.map((row) => [
      number(row[what], 0),
      number(row.requests_per_s, 0),
      number(row.cpu_us_per_request, 1),
      `${number(row.ratio, 2)}×`,
      ...Object.keys(columns).map((key) => number(row[key], 1)),
    ]),
    budget: data
      .slice(1)
      .map((row) =>
        budgeted(`CPU per request with ${number(row[what], 0)} ${what}, beside 1`, row.ratio, '×', { atMost: 1.1 }),
      ),
    notes,
  }
  return { data, block }
}
