import { compileExposure, type Exposure } from '@postern/policy'
import type { Clock, Deadlines, ServiceName } from '@postern/protocol'
import { Pool } from './backend/pool.ts'
import type { ServiceConfig } from './schema.ts'

/** How long a backend that refused a connection is passed over while another is there. */
const restMs = 5000

/** One place where the API listens. */
export interface Backend {
  readonly pool: Pool
  readonly origin: string
  /** Whether it took the last request that was sent to it. */
  up: boolean
  /** Until when it is passed over; 0 for not. */
  restingUntilMs: number
}

/** Places of which there is a fixed number. */
class Places {
  readonly #most: number
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether there was one left, which is taken now. */
  enter(): boolean {
    if (this.#taken >= this.#most) return false
    this.#taken += 1
    return true
  }

  leave(): void {
    this.#taken -= 1
  }
}

/** A service that this egress offers: what of it is exposed, and the backends behind. */
export class Service {
  readonly name: ServiceName
  readonly config: ServiceConfig
  readonly exposure: Exposure
  /** For connections that are switched to another protocol. */
  readonly tunnels: Places
  readonly #clock: Clock
  readonly #backends: readonly Backend[]
  #next = 0

  constructor(name: ServiceName, config: ServiceConfig, clock: Clock, deadlines: Deadlines) {
    this.name = name
    this.config = config
    this.#clock = clock
    this.exposure = compileExposure(config.expose)
    this.tunnels = new Places(config.tunnels)
    const limits = {
      ...config,
      connectionsPerClient: config.connectionsPerClient ?? Math.max(1, Math.floor(config.connections / 2)),
    }
    this.#backends = config.backends.map((url) => ({
      origin: new URL(url).origin,
      up: true,
      restingUntilMs: 0,
      pool: new Pool(new URL(url), limits, deadlines),
    }))
  }

  /** Backends in the order to try them: in turn, those that rest last. */
  candidates(): Backend[] {
    const now = this.#clock.now()
    const start = this.#next++ % this.#backends.length
    const turned = [...this.#backends.slice(start), ...this.#backends.slice(0, start)]
    if (turned.length === 1) return turned
    return [...turned.filter((b) => b.restingUntilMs <= now), ...turned.filter((b) => b.restingUntilMs > now)]
  }

  refused(backend: Backend): void {
    backend.up = false
    backend.restingUntilMs = this.#clock.now() + restMs
  }

  took(backend: Backend): void {
    backend.up = true
  }

  /** Backends, and whether each took the last request that was sent to it. */
  describe(): Array<{ origin: string; up: boolean }> {
    return this.#backends.map(({ origin, up }) => ({ origin, up }))
  }

  close(): void {
    for (const { pool } of this.#backends) pool.close()
  }
}
