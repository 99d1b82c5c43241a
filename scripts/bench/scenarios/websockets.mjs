import { setTimeout } from 'node:timers/promises'
import { budgeted } from '../budget.mjs'
import { startMesh } from '../mesh.mjs'
import { emptied, rssOf } from '../nodes.mjs'
import { mapValues, number, round } from '../numbers.mjs'
import { openFiles } from '../proc.mjs'
import { startReceiver } from '../receiver.mjs'
import { converse, hearing, many } from '../sockets.mjs'
import { wrk } from '../wrk.mjs'

const wanted = { quick: 1000, full: 10_000 }
const idleS = { quick: 5, full: 30 }
const abreast = 50
/** Files that a process has open beside one for each WebSocket. */
const otherFiles = 500
const upgrade =
  'GET /socket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cG9zdGVybi1iZW5jaG1hcms=\r\n\r\n'

/** Idle WebSockets through one mesh: what each of them takes of memory, over the three nodes. */
export async function websockets({ options, progress, tools, workshop }) {
  const mode = options.quick ? 'quick' : 'full'
  const count = Math.min(wanted[mode], openFiles() - otherFiles)
  progress.step('starting a mesh before a server of WebSockets')
  const { nodes, url } = await startMesh({
    workshop,
    backend: await startReceiver(workshop),
    egress: { tunnels: count },
    // All of one address.
    ingress: { limits: { upgradesPerAddress: count, connectionsPerAddress: 2 * count } },
  })
  progress.step('warming up')
  await wrk({ workshop, tools, url: `${url}/`, connections: 64, seconds: options.seconds ?? 3 })
  const before = rssOf(nodes)
  const sockets = []
  try {
    await many(count, abreast, async (at) => {
      if (at % 500 === 0) progress.step(`${at} of ${count} WebSockets are open`)
      const { socket } = await converse(url, upgrade, switched)
      sockets.push(socket.resume())
    })
    const opened = rssOf(nodes)
    const seconds = options.seconds ?? idleS[mode]
    progress.step(`${count} WebSockets are idle for ${seconds} s`)
    await setTimeout(seconds * 1000)
    const idle = rssOf(nodes)
    // Whichever is more: the runtime gives garbage back when it pleases.
    const closed = sockets.filter((socket) => socket.closed).length
    progress.step('asking some of them whether they still carry')
    for (const socket of sockets.filter((_, at) => at % 100 === 0)) await echo(socket)
    for (const socket of sockets) socket.destroy()
    progress.step('waiting until nothing is left of them')
    const left = await emptied(nodes)
    const kbEach = mapValues(idle, (mb, name) => round(((Math.max(mb, opened[name]) - before[name]) * 1000) / count))
    const total = Object.values(kbEach).reduce((sum, kb) => sum + kb, 0)
    const after = rssOf(nodes)
    const data = {
      count,
      closed,
      kb_each: { ...kbEach, all: round(total) },
      rss_mb: { before, opened, idle, after },
      left,
    }
    return { data, block: block(data, nodes) }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

function block({ count, closed, kb_each: kbEach, left, rss_mb: rss }, nodes) {
  const shown = ({ name }) => [
    name,
    ...['before', 'opened', 'idle', 'after'].map((when) => number(rss[when][name], 0)),
    number(kbEach[name], 1),
  ]
  const short = count < wanted.full ? [`${count} instead of ${wanted.full}: a quick run, or ulimit -n is too low.`] : []
  return {
    title: `${number(count, 0)} idle WebSockets on one ingress`,
    columns: ['node', 'RSS MB before', 'once open', 'idle', 'closed', 'KB each'],
    rows: nodes.map(shown),
    budget: [budgeted('memory of an idle WebSocket over the three nodes', kbEach.all, 'KB', { below: 20 })],
    notes: [
      ...short,
      `${closed} were closed while idle; ${left.requests + left.exchanges} were counted after all were closed.`,
    ],
  }
}

const switched = (octets) => {
  if (!octets.toString('latin1').startsWith('HTTP/1.1 101 '))
    throw new Error(`no upgrade: ${octets.toString('latin1', 0, 60)}`)
  return true
}

/** Throws when what is sent does not come back. */
async function echo(socket) {
  const heard = hearing(socket, (octets) => octets.toString() === 'still there?' || undefined)
  socket.write('still there?')
  await heard
}
