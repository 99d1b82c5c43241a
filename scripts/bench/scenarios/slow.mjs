import { setTimeout } from 'node:timers/promises'
import { ask } from '../ask.mjs'
import { startBackend } from '../backend.mjs'
import { budgeted } from '../budget.mjs'
import { startMesh } from '../mesh.mjs'
import { emptied, forgetPeaks, peaksOf, rssOf } from '../nodes.mjs'
import { median, number, round } from '../numbers.mjs'
import { converse, many } from '../sockets.mjs'
import { wrk } from '../wrk.mjs'

const wanted = { quick: 200, full: 1000 }
const seconds = { quick: 6, full: 60 }
const abreast = 50
const fileBytes = 100_000_000
/** Every reader takes one chunk of at most 64 KiB in this time. */
const readEveryMs = 4000
const sliceMs = 100
const askEveryMs = 500

/** Many downloads whose readers take little at a time: the most that each node holds, and how long others wait. */
export async function slow(bench) {
  const { options, progress, tools, workshop } = bench
  const mode = options.quick ? 'quick' : 'full'
  const count = wanted[mode]
  progress.step('starting a mesh before files')
  const backend = await startBackend(bench)
  // As many connections to the backend as readers, all of one address, and some for the others.
  const connections = count + 100
  const { nodes, url } = await startMesh({
    workshop,
    backend,
    egress: { connections, connectionsPerClient: connections },
  })
  progress.step('warming up')
  await wrk({ workshop, tools, url: `${url}/`, connections: 64, seconds: options.seconds ?? 3 })
  const before = rssOf(nodes)
  forgetPeaks(nodes)
  const readers = []
  try {
    await many(count, abreast, async () => readers.push(await converse(url, request, started)))
    const lastS = options.seconds ?? seconds[mode]
    progress.step(`${count} slow downloads for ${lastS} s`)
    const taken = await readSlowly(readers, lastS, url)
    const closed = readers.filter(({ socket }) => socket.closed).length
    const peak = peaksOf(nodes)
    for (const { socket } of readers) socket.destroy()
    progress.step('waiting until nothing is left of them')
    const left = await emptied(nodes)
    const data = { count, seconds: lastS, closed, ...taken, rss_mb: { before, peak, after: rssOf(nodes) }, left }
    return { data, block: block(data, nodes) }
  } finally {
    for (const { socket } of readers) socket.destroy()
  }
}

const request = 'GET /100m HTTP/1.1\r\nHost: bench\r\n\r\n'

const started = (octets) => {
  if (!octets.toString('latin1', 0, 12).startsWith('HTTP/1.1 200')) throw new Error('a slow download was refused')
  return octets.length
}

/** Lets each reader take a chunk in its turn, while another client asks one small thing after the other. */
async function readSlowly(readers, lastS, url) {
  let bytes = 0
  const take = ({ socket }) => {
    socket.once('data', (chunk) => {
      bytes += chunk.length
      socket.pause()
    })
    socket.resume()
  }
  const others = askOnAndOn(url)
  const slices = readEveryMs / sliceMs
  for (let slice = 0; slice * sliceMs < lastS * 1000; slice += 1) {
    for (let at = slice % slices; at < readers.length; at += slices) take(readers[at])
    await setTimeout(sliceMs)
  }
  const waitsMs = await others.end()
  return {
    mb_read: round(bytes / 1e6),
    others_median_ms: round(median(waitsMs)),
    others_max_ms: round(Math.max(...waitsMs)),
  }
}

/** A client that asks again a while after each answer; `end` yields how long each took, in ms, or throws. */
function askOnAndOn(url) {
  const { hostname, port } = new URL(url)
  const waitsMs = []
  let over = false
  const asking = async () => {
    while (!over) {
      const startMs = performance.now()
      const { status } = await ask({ hostname, port, path: '/' })
      if (status !== 200) throw new Error(`a request beside slow downloads was answered ${status}`)
      waitsMs.push(performance.now() - startMs)
      await setTimeout(askEveryMs)
    }
    return waitsMs
  }
  const asked = asking()
  asked.catch(() => {})
  const end = () => {
    over = true
    return asked
  }
  return { end }
}

function block(data, nodes) {
  const { before, peak, after } = data.rss_mb
  return {
    title: `${number(data.count, 0)} slow downloads of ${fileBytes / 1e6} MB`,
    columns: ['node', 'RSS MB before', 'peak', 'after'],
    rows: nodes.map(({ name }) => [name, ...[before, peak, after].map((mb) => number(mb[name], 0))]),
    budget: [
      budgeted('peak RSS of a node under slow downloads', Math.max(...Object.values(peak)), 'MB', { below: 300 }),
    ],
    notes: [
      `For ${data.seconds} s, at most 64 KiB each in ${readEveryMs / 1000} s; ${data.closed} were cut off. Another client's ` +
        `requests took ${number(data.others_median_ms, 1)} ms (median), ${number(data.others_max_ms, 0)} ms (longest).`,
      `${data.left.requests + data.left.exchanges} were counted after all were closed.`,
    ],
  }
}
