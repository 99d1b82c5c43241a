import type { ExchangeFailureCode, ServiceName } from '@postern/protocol'

export interface AdmissionLimits {
  readonly exchangesPerAddress: number
  readonly upgradesPerAddress: number
  readonly exchangesPerService: number
}

export interface Asking {
  /** What limits count the client by. */
  readonly client: string
  readonly service: ServiceName
  readonly upgrade: boolean
}

/** Once half of the places of a service are taken, one address may have no more than such a part of them. */
const scarceParts = 32

/** How many exchanges are under way, for each client address and each service. Upgrades are counted by address alone. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #exchanges = new Map<string, number>()
  readonly #upgrades = new Map<string, number>()
  readonly #services = new Map<ServiceName, number>()

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** Takes a place, to be given back with `leave`; or answers with why there is none. */
  enter({ client, service, upgrade }: Asking): ExchangeFailureCode | undefined {
    const { exchangesPerAddress, exchangesPerService, upgradesPerAddress } = this.#limits
    if (upgrade) return raise(this.#upgrades, client, upgradesPerAddress) ? undefined : 'CLIENT_BUSY'
    const scarce = (this.#services.get(service) ?? 0) * 2 >= exchangesPerService
    const most = scarce
      ? Math.min(exchangesPerAddress, Math.ceil(exchangesPerService / scarceParts))
      : exchangesPerAddress
    if (!raise(this.#services, service, exchangesPerService)) return 'BUSY'
    if (raise(this.#exchanges, client, most)) return undefined
    lower(this.#services, service)
    return 'CLIENT_BUSY'
  }

  leave({ client, service, upgrade }: Asking): void {
    lower(upgrade ? this.#upgrades : this.#exchanges, client)
    if (!upgrade) lower(this.#services, service)
  }
}

/** Whether there was room for one more. */
function raise(counts: Map<string, number>, key: string, most: number): boolean {
  const count = counts.get(key) ?? 0
  if (count >= most) return false
  counts.set(key, count + 1)
  return true
}

function lower(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
