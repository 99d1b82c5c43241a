import { once } from 'node:events'
import { connect } from 'node:net'
import { within } from './deadline.mjs'

const answerMs = 60_000

/**
 * Connects to a URL, writes a request and reads until `heard(octets)` yields something other than undefined, which it
 * yields with the socket, paused: `{ socket, value }`. Throws when that does not come, and closes the socket then.
 */
export async function converse(url, request, heard) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  try {
    await within(answerMs, `a connection to ${url}`, once(socket, 'connect'))
    socket.write(request)
    const value = await within(answerMs, `an answer of ${url}`, hearing(socket, heard))
    return { socket, value }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Reads from a socket until `heard` yields something, and pauses it. Rejects with what `heard` throws. */
export function hearing(socket, heard) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      socket.pause()
      socket.off('data', listen)
      socket.off('close', lost)
      settle(value)
    }
    const lost = () => end(reject, new Error('the connection was closed before the answer was complete'))
    const listen = (octets) => {
      try {
        const value = heard(octets)
        if (value !== undefined) end(resolve, value)
      } catch (error) {
        end(reject, error)
      }
    }
    socket.once('close', lost)
    socket.on('data', listen)
    socket.resume()
  })
}

/** Does `one(number)` for every number below `count`, `abreast` of them at a time. */
export async function many(count, abreast, one) {
  let next = 0
  const lane = async () => {
    while (next < count) {
      next += 1
      await one(next - 1)
    }
  }
  await Promise.all(Array.from({ length: Math.min(abreast, count) }, lane))
}

/** Sends octets over a connection of its own, and closes it once the system has taken them. */
export async function send(url, octets) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.write(octets, () => socket.destroy())
  await within(answerMs, `an upload to ${url}`, closed)
}
