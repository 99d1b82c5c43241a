import { getHeapStatistics } from 'node:v8'
import type { Opened } from './target.ts'

/** What reading may allocate in all; V8 counts what is on the heap by the page, and what is outside of it to the octet. */
const onHeapBytes = 32 * 1024 * 1024
const outsideBytes = 4 * 1024 * 1024
/** And so much more for each octet, which may be a message, or a read, of its own. */
const bytesPerOctet = 8 * 1024

function allocated() {
  const { external_memory: outside, total_allocated_bytes: onHeap } = getHeapStatistics()
  return { onHeap, outside }
}

/** Whether the reader takes the octets. Throws what it throws, and where it allocates out of proportion. */
export async function attempt(opened: Opened, octets: Uint8Array): Promise<boolean> {
  const before = allocated()
  const reading = opened.read(octets)
  const taken = typeof reading === 'boolean' ? reading : await reading
  const after = allocated()
  const more = bytesPerOctet * octets.byteLength
  const onHeap = after.onHeap - before.onHeap
  const outside = after.outside - before.outside
  if (onHeap > onHeapBytes + more || outside > outsideBytes + more)
    throw new Error(`${octets.byteLength} octets made it allocate ${onHeap + outside}`)
  return taken
}
