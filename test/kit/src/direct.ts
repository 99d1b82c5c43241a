import { createEgress, egressSchema } from '@postern/egress'
import { ingressSchema, startIngress } from '@postern/ingress'
import { Counters } from '@postern/observe'
import { type Pipe, silentLog, systemClock, type Trunk } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'

export interface DirectOrder {
  readonly backends: readonly string[]
  readonly expose?: ReadonlyArray<{ methods: readonly string[]; path: string; fields?: readonly string[] }>
  readonly ingress?: Readonly<Record<string, unknown>>
  readonly service?: Readonly<Record<string, unknown>>
  /** Patterns that the ingress's credential covers; `*` unless said otherwise. */
  readonly covered?: readonly string[]
}

/** An ingress and an egress joined by in-memory pipes: for what does not turn on the mesh between them. */
export interface Direct extends AsyncDisposable {
  readonly url: string
  readonly ingressCounters: Counters
  readonly egressCounters: Counters
  /** Breaks the trunks that are open; the next request gets a new one. */
  breakTrunks(): void
  /** The egress takes no further exchange on the open trunks. */
  drain(): void
  readonly exchanges: number
}

export async function directOf(order: DirectOrder): Promise<Direct> {
  const ingressCounters = new Counters()
  const egressCounters = new Counters()
  const egress = createEgress({
    config: egressSchema.parse({
      services: {
        api: { backends: order.backends, expose: order.expose ?? [{ methods: ['*'], path: '/**' }], ...order.service },
      },
    }),
    clock: systemClock,
    log: silentLog,
    meter: egressCounters,
  })
  let open: Trunk | undefined
  let ends: Pipe[] = []
  const newTrunk = (): Trunk => {
    const [near, far] = pipePair()
    ends = [near, far]
    egress.accept(far, { peer: 'ingress', name: 'ingress', services: order.covered ?? ['*'] })
    const trunk: Trunk = {
      egress: 'egress',
      services: ['*'],
      path: ['egress'],
      pipe: near,
      retire() {
        if (open === trunk) open = undefined
      },
    }
    return trunk
  }
  const ingress = await startIngress({
    config: ingressSchema.parse({
      listen: [{ url: 'http://127.0.0.1:0' }],
      routes: [{ service: 'api' }],
      ...order.ingress,
    }),
    trunks: {
      get() {
        open ??= newTrunk()
        return open
      },
    },
    log: silentLog,
    meter: ingressCounters,
  })
  return {
    url: ingress.urls[0] ?? '',
    ingressCounters,
    egressCounters,
    get exchanges() {
      return egress.exchanges
    },
    breakTrunks() {
      const [near] = ends
      open = undefined
      near?.abort(new Error('broken by the test'))
    },
    drain: () => egress.drain(),
    async [Symbol.asyncDispose]() {
      await ingress.close()
      await egress.close()
    },
  }
}
