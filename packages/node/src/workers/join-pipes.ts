import type { Pipe } from '@postern/protocol'

/**
 * Joins two pipes octet for octet, with backpressure and half-close both ways; what breaks one breaks the other.
 * Answers when both are over.
 */
export async function joinPipes(a: Pipe, b: Pipe): Promise<void> {
  await Promise.all([pass(a, b), pass(b, a)])
}

function pass(from: Pipe, to: Pipe): Promise<void> {
  return new Promise((over) => {
    let ended = false
    from.read({
      data(chunk) {
        if (!to.send([chunk])) from.pause()
      },
      // What comes from there was held back because this one was full.
      drain: () => to.resume(),
      end() {
        ended = true
        to.close()
      },
      close(error) {
        if (error !== undefined || !ended) to.abort(error ?? new Error('the other side is over'))
        over()
      },
    })
  })
}
