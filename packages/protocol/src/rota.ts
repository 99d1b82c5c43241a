import { covers, type PeerName, type ServiceName } from './names.ts'
import type { Trunk } from './ports.ts'
import { turnNumber } from './turn.ts'

/** Trunks that are open to one egress. */
export interface EgressTrunks {
  readonly trunks: Set<Trunk>
  /** The turn of the event loop in which the first of them became the first. */
  turn: number
}

/** The egresses of one service, and whose turn it is. */
export interface Rota {
  readonly egresses: readonly PeerName[]
  next: number
}

/** The next trunk for a service, of its egresses in turn; one of `not` only where there is no other. */
export function nextTrunk(
  service: ServiceName,
  rota: Rota,
  trunksOf: (egress: PeerName) => EgressTrunks | undefined,
  not: ReadonlySet<Trunk> | undefined,
): Trunk | undefined {
  const { egresses } = rota
  let second: Trunk | undefined
  for (let tries = 0; tries < egresses.length; tries++) {
    rota.next += 1
    const known = trunksOf(egresses[rota.next % egresses.length] ?? '')
    for (const trunk of known === undefined ? [] : inTurn(known)) {
      if (!covers(trunk.services, service)) continue
      if (not?.has(trunk) !== true) return trunk
      second ??= trunk
    }
  }
  return second
}

/** Trunks in the order to use them: the next one first with each turn, so that what one turn says shares a message. */
function inTurn(state: EgressTrunks): Iterable<Trunk> {
  const { trunks } = state
  const [first] = trunks
  if (first !== undefined && trunks.size > 1 && state.turn !== turnNumber()) {
    state.turn = turnNumber()
    trunks.delete(first)
    trunks.add(first)
  }
  return trunks
}
