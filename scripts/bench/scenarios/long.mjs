import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { startMesh } from '../mesh.mjs'
import { rssOf } from '../nodes.mjs'
import { number, round } from '../numbers.mjs'
import { wrk } from '../wrk.mjs'

const lastS = 600
const looks = 20
const leastMs = 2000

/** The main load, 64 connections, for ten minutes: what the nodes hold at the end. */
export async function long(bench) {
  const { options, progress, tools, workshop } = bench
  const seconds = options.seconds ?? lastS
  progress.step('starting a mesh')
  const { nodes, url } = await startMesh({ workshop, backend: await startBackend(bench) })
  const startMs = performance.now()
  const series = [{ s: 0, rss_mb: rssOf(nodes) }]
  const timer = setInterval(
    () => {
      const s = Math.round((performance.now() - startMs) / 1000)
      series.push({ s, rss_mb: rssOf(nodes) })
      progress.step(`${s} of ${seconds} s of the main load`)
    },
    Math.max(leastMs, (seconds * 1000) / looks),
  )
  let window
  try {
    window = await wrk({ workshop, tools, url: `${url}/`, connections: 64, seconds })
  } finally {
    clearInterval(timer)
  }
  const data = {
    seconds,
    requests: window.requests,
    errors: window.errors,
    requests_per_s: round(window.requests / window.seconds),
    rss_mb: { before: series[0].rss_mb, after: rssOf(nodes) },
    series,
  }
  return { data, block: block(data, nodes) }
}

function block({ errors, requests, rss_mb: { after, before }, seconds }, nodes) {
  const failed = errors > 0 ? [`${errors} requests FAILED.`] : []
  return {
    title: `Memory after ${number(seconds / 60, 1)} minutes of the main load`,
    columns: ['node', 'RSS MB before', 'after'],
    rows: nodes.map(({ name }) => [name, number(before[name], 0), number(after[name], 0)]),
    budget: [budgeted('RSS of a node after the main load', Math.max(...Object.values(after)), 'MB', { below: 100 })],
    notes: [`${number(requests, 0)} requests of 64 connections.`, ...failed],
  }
}
