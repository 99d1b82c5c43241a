import type { Stream } from '@libp2p/interface'
import { later } from '../deadline.ts'

export interface SpliceInit {
  /** With no octet in either direction for this long, both streams are reset. */
  readonly idleMs: number
  /**
   * Both streams are reset after this long when less than an upgrade has gone each way: a circuit that becomes no
   * connection serves a lookup or an echo, which take less.
   */
  readonly upgradeMs: number
  /** Called with the octets that went one way; answers for how many ms no more are to be taken from there. */
  readonly passed: (bytes: number) => number
}

const closeDeadlineMs = 10_000
/** An upgrade takes more than this each way: either side shows a credential. */
const upgradeBytes = 512

/**
 * Joins two streams octet for octet, with backpressure and half-close in both directions; a reset of one resets the
 * other. Answers when both are over. Memory is bounded by the read and write buffers of the two streams.
 */
export function splice(a: Stream, b: Stream, init: SpliceInit): Promise<void> {
  return new Promise((resolve) => {
    let active = true
    let open = 2
    let held = 0
    /** Octets that have gone each way. */
    const gone = [0, 0]
    const idle = setInterval(() => {
      if (!active && held === 0) breakOff(new Error('idle for too long'))
      active = false
    }, init.idleMs)
    idle.unref()
    const upgrade = later(init.upgradeMs, () => {
      if (gone.some((bytes) => bytes < upgradeBytes)) breakOff(new Error('it becomes no connection'))
    })

    const breakOff = (error: Error) => {
      a.abort(error)
      b.abort(error)
    }
    const closed = (other: Stream) => (event: { readonly error?: Error }) => {
      if (event.error !== undefined) other.abort(event.error)
      open -= 1
      if (open > 0) return
      clearInterval(idle)
      clearTimeout(upgrade)
      resolve()
    }
    const pump = (way: 0 | 1, from: Stream, to: Stream) => {
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
        gone[way] = (gone[way] ?? 0) + event.data.byteLength
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
    pump(0, a, b)
    pump(1, b, a)
    watch(a, b)
    watch(b, a)
  })
}
