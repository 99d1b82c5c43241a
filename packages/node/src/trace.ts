import type { Mesh } from '@postern/mesh'

/** One stage of the way to a service, and the time it adds to a round trip, in ms. */
export interface TraceStep {
  readonly peer: string
  readonly hop: 'entry relay' | 'relay' | 'guard relay' | 'egress'
  readonly roundTripMs: number
  readonly addedMs: number
}

/** The way that the next request to a service may take, hop by hop. */
export async function traceService(mesh: Mesh, service: string): Promise<TraceStep[]> {
  const hops = await mesh.trace(service)
  return hops.map(({ peer, roundTripMs }, at) => ({
    peer,
    hop: hopName(at, hops.length),
    roundTripMs,
    addedMs: Math.max(0, roundTripMs - (hops[at - 1]?.roundTripMs ?? 0)),
  }))
}

function hopName(at: number, length: number): TraceStep['hop'] {
  if (at === length - 1) return 'egress'
  if (at === length - 2) return 'guard relay'
  return at === 0 ? 'entry relay' : 'relay'
}
