import type { Stream } from '@libp2p/interface'
import type { Pipe, PipeReader } from '@postern/protocol'
import { Uint8ArrayList } from 'uint8arraylist'

const closeDeadlineMs = 5000

/** A libp2p stream as a pipe. Backpressure is the stream's window; see the compliance suite in protocol/testing. */
export function streamPipe(stream: Stream): Pipe {
  return {
    read: (reader) => attach(stream, reader),
    send(chunks) {
      if (stream.writeStatus !== 'writable') return true
      const [first] = chunks
      if (first === undefined) return true
      return stream.send(chunks.length === 1 ? first : Uint8ArrayList.fromUint8Arrays([...chunks]))
    },
    pause() {
      if (stream.readStatus === 'readable') stream.pause()
    },
    resume() {
      if (stream.readStatus === 'paused') stream.resume()
    },
    close() {
      stream.close({ signal: AbortSignal.timeout(closeDeadlineMs) }).catch((error: Error) => stream.abort(error))
    },
    abort: (error) => stream.abort(error),
  }
}

function attach(stream: Stream, reader: PipeReader): void {
  let over = false
  const close = (error?: Error) => {
    if (over) return
    over = true
    reader.close(error)
  }
  stream.addEventListener('drain', () => {
    // The stream's own listener sends on in a microtask, and may find the window used up again.
    queueMicrotask(() => {
      if (!stream.writableNeedsDrain && stream.writeStatus === 'writable') reader.drain()
    })
  })
  stream.addEventListener('end', () => reader.end())
  stream.addEventListener('close', (event) => close(event.error))
  stream.addEventListener('message', (event) => {
    const { data } = event
    if (data instanceof Uint8Array) reader.data(data)
    else for (const chunk of data) reader.data(chunk)
  })
  if (stream.status !== 'open') queueMicrotask(() => close(new Error('the stream was over before it was read')))
}
