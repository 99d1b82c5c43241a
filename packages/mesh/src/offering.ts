import type { ServiceName } from '@postern/protocol'
import type { PartInit } from './calling.ts'
import { Registration } from './directory/register.ts'
import { type ChoiceStore, chosenRelays, goneForGoodMs, Neighbours } from './neighbours.ts'

export interface OfferingPart {
  /** What is registered at the guards. */
  readonly services: () => readonly ServiceName[]
  readonly guards: ChoiceStore
}

/** What an egress, or an authority, has of the mesh: guards of its own choosing, where it is registered. */
export interface Offering {
  readonly guards: Neighbours
  readonly registration: Registration
  stop(): void
}

export function startOffering(init: PartInit, offered: OfferingPart): Offering {
  const { bootstrap, clock, host, log, member } = init
  const guards = new Neighbours({
    host,
    bootstrap,
    clock,
    log,
    replaceAfterMs: goneForGoodMs,
    count: chosenRelays,
    store: offered.guards,
    linked: (guard) => void registration.register(guard),
  })
  const registration = new Registration({
    host,
    clock,
    log,
    member,
    services: offered.services,
    guards: () => guards.linked.map(({ peer }) => peer),
  })
  guards.start()
  registration.start()
  const stop = () => {
    registration.stop()
    guards.stop()
  }
  return { guards, registration, stop }
}
