import type { Stream } from '@libp2p/interface'
import { later } from '../deadline.ts'

export interface SpliceInit {
  /** With no octet in either direction for this long, both streams are reset. */
  readonly idleMs: number
  /** Called with the octets that went one way; answers for how many ms no more are to be taken from there. */
  readonly passed: (bytes: number) => number
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
    let held = 0
    const idle = setInterval(() => {
      if (!active && held === 0) breakOff(new Error('idle for too long'))
      active = false
    }, init.idleMs)
    idle.unref()

    const breakOff = (error: Error) => {
      a.abort(error)
      b.abort(error)
    }
    const closed = (other: Stream) => (event: { readonly error?: Error }) => {
      if (event.error !== undefined) other.abort(event.error)
      open -= 1
      if (open > 0) return
      clearInterval(idle)
      resolve()
    }
    const pump = (from: Stream, to: Stream) => {
      let waits = false
      const goOn = () => {
        if (!waits && from.readStatus === 'paused' && !to.writableNeedsDrain) from.resume()
      }
      const hold = (waitMs: number) => {
        waits = true
        held += 1
        from.pause()
        later(waitMs, () => {
          waits = false
          held -= 1
          active = true
          goOn()
        })
      }
      from.addEventListener('message', (event) => {
        active = true
        const waitMs = init.passed(event.data.byteLength)
        if (to.writeStatus !== 'writable') {
          from.abort(new Error('the other side is over'))
          return
        }
        if (!to.send(event.data)) from.pause()
        if (waitMs > 0 && !waits && from.readStatus !== 'closed') hold(waitMs)
      })
      to.addEventListener('drain', () => queueMicrotask(goOn))
      const end = () => {
        if (to.writeStatus === 'writable')
          to.close({ signal: AbortSignal.timeout(closeDeadlineMs) }).catch((error: Error) => to.abort(error))
      }
      if (from.status === 'open' && from.readableEnded) end()
      else from.addEventListener('end', end)
    }

    const watch = (stream: Stream, other: Stream) => {
      const over = closed(other)
      // One that is over already says so no more.
      if (stream.status === 'open') stream.addEventListener('close', over)
      else over({ error: new Error('the other side is over') })
    }
    pump(a, b)
    pump(b, a)
    watch(a, b)
    watch(b, a)
  })
}
