import {
  type EgressTrunks,
  nextTrunk,
  type OpenTrunks,
  type PeerName,
  type Rota,
  type ServiceName,
  type Trunk,
  type Trunks,
  type TrunkWish,
} from '@postern/protocol'
import { type FromThread, type LentTrunk, type Outcome, valueOf } from './messages.ts'
import { PortPipe } from './port-pipe.ts'

/** The trunks of the main thread, as a worker has them: it picks among those that are open, and asks for others. */
export class RemoteTrunks implements Trunks {
  readonly #say: (said: FromThread) => void
  readonly #trunks = new Map<number, Trunk>()
  readonly #numbers = new WeakMap<Trunk, number>()
  readonly #egresses = new Map<PeerName, EgressTrunks>()
  readonly #services = new Map<ServiceName, Rota>()
  readonly #searches = new Map<number, (trunk: Outcome<number>) => void>()
  readonly #trunksOf = (egress: PeerName) => this.#egresses.get(egress)
  #lastSearch = 0

  constructor(say: (said: FromThread) => void) {
    this.#say = say
  }

  get(service: ServiceName, wish: TrunkWish): Trunk | Promise<Trunk> {
    const rota = this.#services.get(service)
    return (rota && nextTrunk(service, rota, this.#trunksOf, wish.not)) ?? this.#search(service, wish)
  }

  /** What is open now. */
  open(offers: OpenTrunks['offers'], lent: readonly LentTrunk[]): void {
    const open = new Set(lent.map(({ trunk }) => trunk))
    for (const [number, trunk] of this.#trunks) {
      if (open.has(number)) continue
      this.#trunks.delete(number)
      this.#drop(trunk)
    }
    for (const each of lent) if (each.port !== undefined) this.#take(each, new PortPipe(each.port))
    for (const [service, egresses] of offers)
      this.#services.set(service, { egresses, next: this.#services.get(service)?.next ?? 0 })
  }

  /** What came of a search. */
  found(search: number, trunk: Outcome<number>): void {
    this.#searches.get(search)?.(trunk)
    this.#searches.delete(search)
  }

  #take({ egress, path, services, trunk: number }: LentTrunk, pipe: PortPipe): void {
    const trunk: Trunk = {
      egress,
      path,
      services,
      pipe,
      retire: () => {
        if (this.#drop(trunk)) this.#say({ type: 'retire', trunk: number })
      },
    }
    this.#trunks.set(number, trunk)
    this.#numbers.set(trunk, number)
    const known = this.#egresses.get(egress) ?? { trunks: new Set(), turn: 0 }
    known.trunks.add(trunk)
    this.#egresses.set(egress, known)
  }

  /** False where it was dropped before. */
  #drop(trunk: Trunk): boolean {
    const known = this.#egresses.get(trunk.egress)
    if (known?.trunks.delete(trunk) !== true) return false
    if (known.trunks.size === 0) this.#egresses.delete(trunk.egress)
    return true
  }

  async #search(service: ServiceName, wish: TrunkWish): Promise<Trunk> {
    this.#lastSearch += 1
    const search = this.#lastSearch
    const { promise, resolve } = Promise.withResolvers<Outcome<number>>()
    this.#searches.set(search, resolve)
    const not = [...(wish.not ?? [])].flatMap((trunk) => this.#numbers.get(trunk) ?? [])
    this.#say({ type: 'search', search, service, waitMs: wish.waitMs, not })
    // What was found may be over by now.
    return this.#trunks.get(valueOf(await promise)) ?? (await this.get(service, wish))
  }
}
