import { type CircuitAnswer, type Clock, type Layer, routeLifeMs } from '@postern/protocol'
import { OneTime } from '../one-time.ts'

export interface RouteJudgeInit {
  readonly clock: Clock
  /** How long this node has run, in ms: it knows nothing of the routes that were used before. */
  readonly ageMs: () => number
}

/** Decides whether a hop's layer of a route may be followed: in its time, made since this node started, and once. */
export class RouteJudge {
  readonly #init: RouteJudgeInit
  readonly #nonces: OneTime

  constructor(init: RouteJudgeInit) {
    this.#init = init
    this.#nonces = new OneTime(init.clock, 2 * routeLifeMs)
  }

  /** Undefined when the layer is good. */
  judge({ expiresMs, nonce }: Pick<Layer, 'expiresMs' | 'nonce'>): CircuitAnswer | undefined {
    const leftMs = expiresMs - this.#init.clock.now()
    if (leftMs <= 0 || leftMs > 2 * routeLifeMs) return 'EXPIRED'
    if (routeLifeMs - leftMs > this.#init.ageMs()) return 'EXPIRED'
    return this.#nonces.use(Buffer.from(nonce).toString('latin1')) ? undefined : 'EXPIRED'
  }
}
