import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { until } from './deadline.mjs'

const host = '127.0.0.1'
const readyMs = 10_000

/** Ports of the loopback interface that nobody listens on, all different. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Waits until what is called `name` listens there. Throws when it dies before, or takes too long. */
export async function listening(name, port, died) {
  await Promise.race([until(readyMs, `starting ${name}`, () => listens(port)), died])
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
