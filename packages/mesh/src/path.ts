import { randomInt } from 'node:crypto'
import { type PeerName, PosternError, type RelayAddress } from '@postern/protocol'
import { type Hop, peersOf } from './circuit/route.ts'

export interface PathChooserInit {
  /** Relays on the way to an egress, its guard among them: 1 to 3. */
  readonly relays: number
  /** Relays of our own choosing that are linked now. */
  readonly entries: () => readonly RelayAddress[]
  /** Relays that are chosen, or that entries have told of. */
  readonly known: () => readonly RelayAddress[]
}

/** Chooses the relays of a circuit: an entry of ours first, the egress's guard last, no relay twice. */
export class PathChooser {
  readonly #init: PathChooserInit

  constructor(init: PathChooserInit) {
    this.#init = init
  }

  /**
   * Hops to one of the guards, the guard last, by a way that is not among those tried while there is one, and adds it to
   * them. Throws NO_RELAY when the mesh has too few relays for the way to be as long as it was asked to be: a shorter one
   * would tell a relay both ends.
   */
  to(guards: readonly RelayAddress[], tried: Set<string>): Hop[] {
    const ways = guards.flatMap((guard) => this.#waysTo(guard)).map((hops) => ({ hops, name: peersOf(hops).join(' ') }))
    const fresh = ways.filter(({ name }) => !tried.has(name))
    const [way] = shuffled(fresh.length > 0 ? fresh : ways)
    if (way === undefined) throw tooFew(this.#init.relays)
    tried.add(way.name)
    return way.hops
  }

  /**
   * Hops to a relay that can be asked which relays guard an id, one that was not asked before while there is one, and adds
   * it to them. It is never the entry, which knows who we are; where a way is to have one relay, it is while there is no other.
   * An entry tells of relays, so every second time it is one of our own choosing. Throws NO_RELAY as `to` does.
   */
  toDirectory(asked: Set<PeerName>): Hop[] {
    const { entries, known, relays } = this.#init
    const others = shuffled(known())
    const chosen = shuffled(entries())
    const order = asked.size % 2 === 0 ? [...others, ...chosen] : [...chosen, ...others]
    const fresh = order.filter(({ peer }) => !asked.has(peer))
    for (const relay of [...fresh, ...order]) {
      const [way] = shuffled(this.#waysTo(relay, Math.max(2, relays)))
      if (way === undefined) continue
      asked.add(relay.peer)
      return way
    }
    const [entry] = chosen
    if (relays > 1 || entry === undefined) throw tooFew(relays)
    return [entry]
  }

  #waysTo(guard: RelayAddress, relays = this.#init.relays): Hop[][] {
    const { entries, known } = this.#init
    if (relays === 1) return [[guard]]
    const firsts = entries().filter(({ peer }) => peer !== guard.peer)
    if (relays === 2) return firsts.map((entry) => [entry, guard])
    return firsts.flatMap((entry) =>
      known()
        .filter(({ peer }) => peer !== guard.peer && peer !== entry.peer)
        .map((middle) => [entry, middle, guard]),
    )
  }
}

function tooFew(relays: number): PosternError {
  return new PosternError('NO_RELAY', `no way over ${relays} different relays can be found`, {
    remedy: 'add relays to the mesh, or set ingress.path.relays lower and accept what one relay then learns',
  })
}

export function shuffled<T>(list: readonly T[]): T[] {
  const out = [...list]
  for (let at = out.length - 1; at > 0; at--) {
    const other = randomInt(at + 1)
    const kept = out[at] as T
    out[at] = out[other] as T
    out[other] = kept
  }
  return out
}
