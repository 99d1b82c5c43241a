import { performance } from 'node:perf_hooks'
import type { Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import type { Clock, PeerName } from '@postern/protocol'
import { openCircuit } from './circuit/open.ts'
import type { Hop } from './circuit/route.ts'
import type { Host } from './host.ts'

/** One hop of a path, and the best round trip to it and back in milliseconds, over all hops before it. */
export interface TracedHop {
  readonly peer: PeerName
  readonly roundTripMs: number
}

const pings = 5
const hopDeadlineMs = 5000

/**
 * Measures a path hop by hop, as traceroute does: one echo circuit to each hop, a few round trips on each, the best one
 * counts. Throws what `openCircuit` throws.
 */
export async function traceHops(host: Host, hops: readonly Hop[], clock: Clock): Promise<TracedHop[]> {
  const traced: TracedHop[] = []
  for (let length = 1; length <= hops.length; length++) {
    const part = hops.slice(0, length)
    const signal = AbortSignal.timeout(hopDeadlineMs)
    const end = { kind: 'end', purpose: 'echo', subject: new Uint8Array() } as const
    const { stream } = await openCircuit(host, part, end, { clock, signal })
    try {
      traced.push({ peer: part[part.length - 1]?.peer ?? '', roundTripMs: await bestRoundTrip(stream, signal) })
    } finally {
      stream.abort(new Error('the echo is over'))
    }
  }
  return traced
}

async function bestRoundTrip(stream: Stream, signal: AbortSignal): Promise<number> {
  const bytes = byteStream(stream)
  let bestMs = Number.POSITIVE_INFINITY
  for (let ping = 0; ping < pings; ping++) {
    const start = performance.now()
    await bytes.write(Buffer.from('echo'), { signal })
    await bytes.read({ bytes: 4, signal })
    bestMs = Math.min(bestMs, performance.now() - start)
  }
  return bestMs
}
