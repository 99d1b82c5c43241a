import { BufferBudget, Initiator } from '@postern/exchange'
import type { Log, Meter, ServiceName, Trunk, Trunks, TrunkWish } from '@postern/protocol'

/** A trunk that takes exchanges. */
export interface OpenTrunk {
  readonly trunk: Trunk
  readonly initiator: Initiator
}

/** The trunks that the mesh hands out, each with its initiator, made once and kept as long as the trunk. */
export class TrunkTable {
  readonly #trunks: Trunks
  readonly #log: Log
  readonly #meter: Meter
  readonly #buffers: BufferBudget
  readonly #open = new Map<Trunk, OpenTrunk>()

  constructor(trunks: Trunks, bufferBytes: number, log: Log, meter: Meter) {
    this.#trunks = trunks
    this.#buffers = new BufferBudget(bufferBytes, () => meter.count('exchanges_shed'))
    this.#log = log
    this.#meter = meter
  }

  /** Throws SERVICE_UNREACHABLE; answers at once where a trunk is open. */
  get(service: ServiceName, wish: TrunkWish): OpenTrunk | Promise<OpenTrunk> {
    const trunk = this.#trunks.get(service, wish)
    return trunk instanceof Promise ? trunk.then((late) => this.#initiate(late)) : this.#initiate(trunk)
  }

  #initiate(trunk: Trunk): OpenTrunk {
    const known = this.#open.get(trunk)
    if (known !== undefined) return known
    const initiator = new Initiator(trunk.pipe, {
      buffers: this.#buffers,
      draining: () => trunk.retire(),
      over: () => {
        this.#open.delete(trunk)
        trunk.retire()
      },
      violation: (detail) => {
        this.#meter.count('trunk_violations')
        this.#log.warn('trunk violated', { egress: trunk.egress, code: 'PROTOCOL_VIOLATION', detail })
      },
    })
    const open = { trunk, initiator }
    this.#open.set(trunk, open)
    return open
  }
}
