import { budgeted } from '../budget.mjs'
import { compare } from '../compare.mjs'
import { number, round } from '../numbers.mjs'
import { mediansOf, smallLoads } from './small-loads.mjs'

/**
 * Compares ingresses of one mesh that differ in the number of something: the cost of a request is to be the same with
 * many as with one. `each` has `{ count, ingress }`; every ingress is asked for `count` paths in turn. Yields
 * `{ data, block }`.
 */
export async function flatness(bench, { what, title, mesh, each, notes }) {
  const sides = each.map(({ count, ingress: { name, url } }) => ({
    name,
    url,
    nodes: mesh.nodes,
    request: { paths: count },
  }))
  const loads = smallLoads.slice(0, 1)
  const found = mediansOf(await compare({ ...bench, sides, loads }))
  const data = found.map((figures, at) => ({
    [what]: each[at].count,
    ...figures,
    ratio: round(figures.cpu_us_per_request / found[0].cpu_us_per_request),
  }))
  const block = {
    title,
    columns: [what, 'requests/s, 64 connections', 'CPU µs per request', 'relative to 1'],
    rows: data.map((row) => [
      number(row[what], 0),
      number(row.requests_per_s, 0),
      number(row.cpu_us_per_request, 1),
      `${number(row.ratio, 2)}×`,
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
