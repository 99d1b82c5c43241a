import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A bare TCP connection to an HTTP server, for what no HTTP client would send. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  send(text: string | Buffer): void
  /** All that has arrived, latin1. */
  heard(): string
  /** Waits until what has arrived matches. */
  until(pattern: RegExp): Promise<string>
  /** Waits until the other side has closed, and answers with all that arrived. */
  closed(): Promise<string>
}

const patienceMs = 10_000

/** Comes from another address of this host where one is given. */
export async function rawClient(url: string, localAddress?: string): Promise<RawClient> {
  const { hostname, port } = new URL(url)
  const socket = connect({
    host: hostname,
    port: Number(port),
    ...(localAddress === undefined ? {} : { localAddress }),
  })
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    socket.emit('heard')
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const signal = () => AbortSignal.timeout(patienceMs)
  return {
    socket,
    send: (data) => socket.write(data),
    heard: () => text,
    async until(pattern) {
      const limit = signal()
      while (!pattern.test(text)) {
        try {
          await once(socket, 'heard', { signal: limit })
        } catch {
          throw new Error(`no ${String(pattern)} in ${JSON.stringify(text)}`)
        }
      }
      return text
    },
    async closed() {
      if (!socket.closed) await once(socket, 'close', { signal: signal() })
      return text
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** Sends one request and answers with everything up to the end of the connection. */
export async function rawExchange(url: string, request: string): Promise<string> {
  using client = await rawClient(url)
  client.send(request)
  return await client.closed()
}
