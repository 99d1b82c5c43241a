import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { until } from '../deadline.mjs'
import { startMesh } from '../mesh.mjs'
import { emptied, forgetPeaks, peaksOf, rssOf, underWay } from '../nodes.mjs'
import { mapValues, number } from '../numbers.mjs'
import { converse, many, send } from '../sockets.mjs'
import { wrk } from '../wrk.mjs'

const wanted = { quick: 500, full: 10_000 }
const abreast = 32
const mostBytes = 256 * 1024
const resumedBytes = 100_000
const settleMs = { quick: 3000, full: 60_000 }
const settled = 1.1

/**
 * Transfers that clients break off, downloads and uploads in turn; every fifth download is resumed from there with a
 * range. What the nodes hold and count afterwards is to be what it was before.
 */
export async function aborts(bench) {
  const { options, progress, tools, workshop } = bench
  const mode = options.quick ? 'quick' : 'full'
  const count = wanted[mode]
  progress.step('starting a mesh before files')
  const { nodes, url } = await startMesh({ workshop, backend: await startBackend(bench) })
  progress.step('warming up, with transfers that are broken off too')
  await wrk({ workshop, tools, url: `${url}/`, connections: 64, seconds: options.seconds ?? 5 })
  await many(count / 20, abreast, (at) => oneOf(url, at))
  await emptied(nodes)
  const before = rssOf(nodes)
  const counted = await underWay(nodes)
  forgetPeaks(nodes)
  await many(count, abreast, async (at) => {
    if (at % 1000 === 0) progress.step(`${at} of ${count} transfers were broken off`)
    await oneOf(url, at)
  })
  progress.step('waiting until nothing is left of them')
  const left = await emptied(nodes)
  const within = (rss) => Object.entries(rss).every(([name, mb]) => mb <= before[name] * settled)
  await until(settleMs[mode], 'settling', () => within(rssOf(nodes))).catch(() => {})
  const data = { count, rss_mb: { before, peak: peaksOf(nodes), after: rssOf(nodes) }, counted_before: counted, left }
  return { data, block: block(data, nodes) }
}

/** The transfer of a number: what it does depends on nothing else. */
async function oneOf(url, at) {
  const bytes = 1 + ((at * 2_654_435_761) % mostBytes)
  if (at % 2 === 1) return breakUpload(url, bytes)
  await take(url, '/10m', '', bytes, 200)
  if (at % 10 === 0) {
    const range = `Range: bytes=${bytes}-${bytes + resumedBytes - 1}\r\n`
    await take(url, '/10m', range, resumedBytes, 206)
  }
}

/** Reads at least so many octets of an answer with that status, then closes the connection. */
async function take(url, path, fields, bytes, status) {
  let seen = 0
  const { socket } = await converse(url, `GET ${path} HTTP/1.1\r\nHost: bench\r\n${fields}\r\n`, (octets) => {
    if (seen === 0 && !octets.toString('latin1', 0, 12).endsWith(` ${status}`))
      throw new Error(`a transfer was answered ${octets.toString('latin1', 0, 60)} instead of ${status}`)
    seen += octets.length
    return seen >= bytes || undefined
  })
  socket.destroy()
}

/** Sends a head that announces more, some octets, and closes the connection when they are gone. */
async function breakUpload(url, bytes) {
  const head = 'POST /receive HTTP/1.1\r\nHost: bench\r\nContent-Length: 10000000\r\n\r\n'
  await send(url, Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]))
}

function block(data, nodes) {
  const { before, peak, after } = data.rss_mb
  const grown = mapValues(after, (mb, name) => mb / before[name])
  const under = ({ circuits, exchanges, requests }) =>
    `${requests} requests, ${exchanges} exchanges, ${circuits} circuits`
  return {
    title: `${number(data.count, 0)} aborted transfers`,
    columns: ['node', 'RSS MB before', 'peak', 'after', 'after ÷ before'],
    rows: nodes.map(({ name }) => [
      name,
      ...[before, peak, after].map((mb) => number(mb[name], 0)),
      `${number(grown[name], 2)}×`,
    ]),
    budget: [
      budgeted('RSS of a node after aborted transfers, beside before', Math.max(...Object.values(grown)), '×', {
        atMost: settled,
      }),
      budgeted('exchanges counted after aborted transfers', data.left.requests + data.left.exchanges, '', {
        atMost: 0,
      }),
    ],
    notes: [
      `Half are downloads, a fifth of them resumed with a range; half are uploads. Under way before: ${under(data.counted_before)}; after: ${under(data.left)}.`,
    ],
  }
}
