import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { meshYamux } from '../src/link/muxer.ts'

/** Two libp2p nodes with a link over real TCP, and streams on it. */
export interface LinkedPair extends AsyncDisposable {
  readonly connection: Connection
  /** Opens a stream and answers with both of its ends. */
  open(): Promise<[near: Stream, far: Stream]>
}

const protocol = '/test/1.0.0'

export async function linkedPair(): Promise<LinkedPair> {
  const node = (listen: string[]) =>
    createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [meshYamux()],
      connectionMonitor: { enabled: false },
    })
  const [near, far] = await Promise.all([node([]), node(['/ip4/127.0.0.1/tcp/0'])])
  const arrivals = new EventTarget()
  await far.handle(protocol, (stream) => void arrivals.dispatchEvent(new CustomEvent('stream', { detail: stream })))
  const connection = await near.dial(far.getMultiaddrs())
  return {
    connection,
    async open() {
      const arrived = once(arrivals, 'stream')
      const stream = await connection.newStream(protocol)
      const [event] = (await arrived) as [CustomEvent<Stream>]
      return [stream, event.detail]
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([near.stop(), far.stop()])
    },
  }
}

/** All octets that arrive until the other side ends. */
export function collect(stream: Stream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  stream.addEventListener('message', (event) => chunks.push(event.data.subarray()))
  return new Promise((resolve, reject) => {
    stream.addEventListener('end', () => resolve(Buffer.concat(chunks)))
    stream.addEventListener('close', (event) => {
      if (event.error !== undefined) reject(event.error)
    })
  })
}

/** Sends all of it, waiting whenever the stream asks to, then ends this direction. */
export async function sendAll(stream: Stream, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    if (!stream.send(chunk)) await once(stream, 'drain')
  }
  await stream.close()
}
