import type { Stream } from '@libp2p/interface'

export interface SpliceInit {
  /** With no octet in either direction for this long, both streams are reset. */
  readonly idleMs: number
  /** Called with the octets that went one way. */
  readonly passed: (bytes: number) => void
}

const closeDeadlineMs = 10_000

/**
 * Joins two streams octet for octet, with backpressure and half-close in both directions; a reset of one resets the
 * other. Answers when both are over. Memory is bounded by the read and write buffers of the two streams.
 */
export function splice(a: Stream, b: Stream, init: SpliceInit): Promise<void> {
  return new Promise((resolve) => {
    let active = true
    let open = 2
    const idle = setInterval(() => {
      if (!active) breakOff(new Error('idle for too long'))
      active = false
    }, init.idleMs)
    idle.unref()

    const breakOff = (error: Error) => {
      a.abort(error)
      b.abort(error)
    }
    const closed = (other: Stream) => (event: Event & { error?: Error }) => {
      if (event.error !== undefined) other.abort(event.error)
      open -= 1
      if (open > 0) return
      clearInterval(idle)
      resolve()
    }
    const pump = (from: Stream, to: Stream) => {
      from.addEventListener('message', (event) => {
        active = true
        init.passed(event.data.byteLength)
        if (to.writeStatus !== 'writable') {
          from.abort(new Error('the other side is over'))
        } else if (!to.send(event.data)) {
          from.pause()
        }
      })
      to.addEventListener('drain', () => {
        queueMicrotask(() => {
          if (from.readStatus === 'paused' && !to.writableNeedsDrain) from.resume()
        })
      })
      from.addEventListener('end', () => {
        if (to.writeStatus === 'writable')
          to.close({ signal: AbortSignal.timeout(closeDeadlineMs) }).catch((error: Error) => to.abort(error))
      })
    }

    a.addEventListener('close', closed(b))
    b.addEventListener('close', closed(a))
    pump(a, b)
    pump(b, a)
    if (a.status !== 'open') b.abort(new Error('the other side is over'))
    if (b.status !== 'open') a.abort(new Error('the other side is over'))
  })
}
