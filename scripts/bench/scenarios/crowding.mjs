import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { ask } from '../ask.mjs'
import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { until } from '../deadline.mjs'
import { startMesh } from '../mesh.mjs'
import { cpuOf, emptied, underWay } from '../nodes.mjs'
import { median, number, round } from '../numbers.mjs'
import { many } from '../sockets.mjs'
import { wrk } from '../wrk.mjs'

const turns = { quick: 1, full: 5 }
const seconds = { quick: 2, full: 6 }
const abreast = 50
/** The nodes have nothing to do when they use less than such a part of a core for so long. */
const quietMs = 500
const quietPart = 0.1
/** The most that another client may wait beside them, as a multiple of what it waits alone. */
const bound = 2
/** Of another address than what crowds. */
const other = '127.0.0.2'

/** What one client does to have a service for itself: so many sockets, each of which sends a text and reads nothing. */
const crowds = [
  { name: 'alone', sockets: 0, text: '' },
  {
    name: '300 pipelined downloads on one socket that reads nothing',
    sockets: 1,
    text: 'GET /10m HTTP/1.1\r\nHost: bench\r\n\r\n'.repeat(300),
  },
  {
    name: '256 uploads that send one octet of ten',
    sockets: 256,
    text: 'POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 10\r\n\r\nx',
  },
  {
    name: '512 sockets that ask for a download and read nothing',
    sockets: 512,
    text: 'GET /10m HTTP/1.1\r\nHost: bench\r\n\r\n',
  },
]

/** How long a client waits for small answers alone, and beside another that would have all connections to the backend. */
export async function crowding(bench) {
  const { options, progress, tools, workshop } = bench
  const mode = options.quick ? 'quick' : 'full'
  progress.step('starting a mesh')
  const { nodes, url } = await startMesh({ workshop, backend: await startBackend(bench) })
  progress.step('warming up')
  await wrk({ workshop, tools, url: `${url}/`, connections: 64, seconds: options.seconds ?? 5 })
  const found = crowds.map(({ name }) => ({ name, p50Ms: [], p99Ms: [], underWay: 0 }))
  for (let turn = 1; turn <= turns[mode]; turn++) {
    for (const [at, crowd] of crowds.entries()) {
      progress.step(`turn ${turn} of ${turns[mode]}: ${crowd.name}`)
      const sockets = await gather(url, nodes, crowd)
      try {
        const waitsMs = await waits(url, options.seconds ?? seconds[mode])
        found[at].p50Ms.push(quantile(waitsMs, 0.5))
        found[at].p99Ms.push(quantile(waitsMs, 0.99))
        found[at].underWay = (await underWay(nodes)).requests
      } finally {
        for (const socket of sockets) socket.destroy()
      }
      await emptied(nodes)
    }
  }
  const data = found.map(({ name, p50Ms, p99Ms, underWay: requests }) => ({
    name,
    p50_ms: round(median(p50Ms)),
    p99_ms: round(median(p99Ms)),
    // Of each turn with itself: a machine drifts.
    p99_ratio: round(median(p99Ms.map((ms, turn) => ms / found[0].p99Ms[turn]))),
    under_way: requests,
  }))
  return { data, block: block(data) }
}

/** Opens the sockets of a crowd, and waits until it has what it can get: until the nodes have nothing to do. */
async function gather(url, nodes, { sockets: count, text }) {
  const { hostname, port } = new URL(url)
  const sockets = []
  await many(count, abreast, async () => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {})
    sockets.push(socket.pause())
    await new Promise((resolve) => socket.write(text, resolve))
  })
  let before = cpuOf(nodes)
  const quiet = async () => {
    await setTimeout(quietMs)
    const usedMs = (cpuOf(nodes) - before) / 1000
    before += usedMs * 1000
    return usedMs < quietMs * quietPart
  }
  await until(60_000, 'a crowd that has what it can get', quiet)
  return sockets
}

/** How long each of one request after the other took, in ms, for so many seconds. */
async function waits(url, lastS) {
  const { hostname, port } = new URL(url)
  const waitsMs = []
  const untilMs = performance.now() + lastS * 1000
  while (performance.now() < untilMs) {
    const startMs = performance.now()
    const { status } = await ask({ hostname, port, path: '/', localAddress: other })
    if (status !== 200) throw new Error(`a request beside a crowd was answered ${status}`)
    waitsMs.push(performance.now() - startMs)
  }
  return waitsMs
}

function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}

function block(data) {
  return {
    title: 'One client that would have a service for itself, and another beside it',
    columns: ['the one', 'its requests under way', 'the other: p50 ms', 'p99 ms', 'p99 ÷ alone'],
    rows: data.map((each) => [
      each.name,
      number(each.under_way, 0),
      number(each.p50_ms, 2),
      number(each.p99_ms, 2),
      `${number(each.p99_ratio, 2)}×`,
    ]),
    budget: data
      .slice(1)
      .map(({ name, p99_ratio: ratio }) =>
        budgeted(`p99 of another client beside ${name}`, ratio, '×', { atMost: bound }),
      ),
    notes: ['The other asks from another address, one request after the other, each on a connection of its own.'],
  }
}
