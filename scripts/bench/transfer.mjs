import { connect } from 'node:net'

const transferMs = 180_000
const chunkBytes = 256 * 1024
const maxHeadBytes = 64 * 1024

/**
 * One transfer over a connection of its own, by a client that does no more than count: a download of `bytes` from a
 * path, or with `upload` an upload of so many octets to it, which the answer must count. Yields a window as `wrk` does:
 * `{ requests, seconds, errors, meanMs }`. One that takes longer than three minutes or comes wrong is an error, and is
 * tried once more. Throws when that fails too.
 */
export async function transfer(asked) {
  try {
    return await once(asked)
  } catch {
    const { errors, ...window } = await once(asked)
    return { ...window, errors: errors + 1 }
  }
}

async function once({ url, path, bytes, upload = false }) {
  const startMs = performance.now()
  await (upload ? send(url, path, bytes) : fetchAll(url, path, bytes))
  const meanMs = performance.now() - startMs
  return { requests: 1, seconds: meanMs / 1000, errors: 0, meanMs }
}

function fetchAll(url, path, bytes) {
  let head = ''
  let left = bytes
  return exchange(url, `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`, {
    heard(octets) {
      let read = 0
      if (!head.includes('\r\n\r\n')) {
        const before = head.length
        head += octets.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return false
        refuseUnlessOk(head, url)
        read = end + 4 - before
      }
      left -= octets.length - read
      if (left < 0) throw new Error(`more than ${bytes} octets came from ${url}${path}`)
      return left === 0
    },
  })
}

function send(url, path, bytes) {
  const chunk = Buffer.alloc(chunkBytes)
  let left = bytes
  let said = ''
  return exchange(url, `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${bytes}\r\n\r\n`, {
    write(socket) {
      while (left > 0) {
        const size = Math.min(left, chunk.length)
        left -= size
        if (!socket.write(size === chunk.length ? chunk : chunk.subarray(0, size))) return
      }
    },
    heard(octets) {
      said += octets.toString('latin1')
      if (said.includes('\r\n\r\n')) refuseUnlessOk(said, url)
      return said.endsWith(`${bytes}\n`)
    },
  })
}

/** Asks, and hands over what comes, in a buffer that is used again, until `heard` says that it was all. */
function exchange(url, request, { heard, write = () => {} }) {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      socket.destroy()
      clearTimeout(timer)
      reject(error)
    }
    const take = (length, buffer) => {
      try {
        if (!heard(buffer.subarray(0, length))) return
        clearTimeout(timer)
        socket.destroy()
        resolve()
      } catch (error) {
        fail(error)
      }
    }
    const onread = { buffer: Buffer.alloc(chunkBytes), callback: take }
    const socket = connect({ host: hostname, port: Number(port), onread })
    const timer = setTimeout(() => fail(new Error(`a transfer through ${url} took too long`)), transferMs)
    socket.once('error', fail)
    socket.once('close', () => fail(new Error(`a transfer through ${url} was cut off`)))
    socket.on('drain', () => write(socket))
    socket.write(request)
    write(socket)
  })
}

function refuseUnlessOk(head, url) {
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`a transfer through ${url} was answered ${head.slice(0, 40)}`)
  if (head.length > maxHeadBytes + chunkBytes) throw new Error(`the answer through ${url} has no end`)
}
