import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Deadlines } from '@postern/protocol'
import { Pool, type PoolLimits } from '../src/backend/pool.ts'

/** Longer than anything that is waited for takes: whoever waits so long waits in vain. */
const vainMs = 3000

/** A server that stands in a backend's place. */
export interface StandIn extends AsyncDisposable {
  readonly origin: URL
  /** Connections as they came, those that are over among them. */
  readonly sockets: readonly Socket[]
}

export async function listening(server: Server, host = '127.0.0.1', scheme = 'http'): Promise<StandIn> {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    origin: new URL(`${scheme}://${host}:${(server.address() as AddressInfo).port}`),
    sockets,
    async [Symbol.asyncDispose]() {
      const over = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) socket.destroy()
      await over
    },
  }
}

/** Treats each connection as told, the first one as number 0. */
export function treating(treat: (socket: Socket, number: number) => void): Promise<StandIn> {
  let number = 0
  const server = createServer((socket) => {
    // A socket that nobody reads does not notice that the other side has closed.
    socket.resume()
    treat(socket, number++)
  })
  return listening(server)
}

/** Answers whatever arrives on a connection with the texts for that connection, one after another. */
export function saying(...connections: ReadonlyArray<readonly string[]>): Promise<StandIn> {
  return treating((socket, number) => {
    const texts = [...(connections[number] ?? [])]
    socket.on('data', () => socket.write(texts.shift() ?? ''))
  })
}

export interface HttpStandIn extends StandIn {
  /** The next request that arrives, to be answered. */
  next(): Promise<{ request: IncomingMessage; response: ServerResponse }>
}

/** A server of node:http, whose requests are answered by who asks for them. */
export async function serving(): Promise<HttpStandIn> {
  const arrived: Array<{ request: IncomingMessage; response: ServerResponse }> = []
  const server = createHttpServer((request, response) => {
    arrived.push({ request, response })
    server.emit('arrived')
  })
  const standIn = await listening(server)
  return {
    ...standIn,
    async next() {
      for (;;) {
        const first = arrived.shift()
        if (first !== undefined) return first
        await once(server, 'arrived', { signal: AbortSignal.timeout(vainMs) })
      }
    },
  }
}

/** Waits for the end of a server's connection, which the other side brings about. */
export async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined) throw new Error('there is no such connection')
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(vainMs) })
}

const poolLimits: PoolLimits = {
  connections: 4,
  connectionsPerClient: 4,
  queue: 100,
  connectMs: 2000,
  idleMs: 10_000,
  stalledMs: 10_000,
}

export interface Pooled extends Disposable {
  readonly pool: Pool
}

export function pooled({ origin }: { readonly origin: URL }, limits: Partial<PoolLimits> = {}): Pooled {
  const deadlines = new Deadlines()
  const pool = new Pool(origin, { ...poolLimits, ...limits }, deadlines)
  return {
    pool,
    [Symbol.dispose]() {
      pool.close()
      deadlines.stop()
    },
  }
}
