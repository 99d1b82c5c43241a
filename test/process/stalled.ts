import { once } from 'node:events'
import { connect } from 'node:net'

/** A client that asks, reads the head of the answer and then reads no more. */
export interface Stalled extends Disposable {
  /** The head of the answer. */
  readonly head: string
  readonly closed: boolean
}

export async function stalled(url: string, path: string): Promise<Stalled> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  let heard = ''
  const head = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      const end = heard.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.pause()
      resolve(heard.slice(0, end))
    })
    socket.once('close', () => reject(new Error(`the answer ended within its head: ${heard}`)))
  })
  return {
    head: await head,
    get closed() {
      return socket.closed
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}
