import type { Stream } from '@libp2p/interface'

/**
 * Ends a stream on which no more is to be said or heard: what still comes is dropped, and the stream is reset when the
 * other side has not ended it too within the time, so that none stays open for as long as its link.
 */
export async function endStream(stream: Stream, withinMs: number): Promise<void> {
  const over = new Promise<void>((resolve) => stream.addEventListener('close', () => resolve(), { once: true }))
  const late = setTimeout(() => stream.abort(new Error('the other side does not end the stream')), withinMs)
  late.unref()
  try {
    await stream.closeRead()
    await stream.close()
    if (stream.status === 'open') await over
  } finally {
    clearTimeout(late)
  }
}
