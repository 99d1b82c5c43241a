import { MessageChannel } from 'node:worker_threads'
import type { Egress, EgressConfig } from '@postern/egress'
import { type Caller, type Pipe, PosternError } from '@postern/protocol'
import type { Hand } from './hand.ts'
import { joinPipes } from './join-pipes.ts'
import { PortPipe } from './port-pipe.ts'

/** How soon a worker hears that a caller may call something else. */
const lookMs = 200

/** A trunk that a worker serves. */
interface Served {
  readonly hand: Hand
  readonly caller: Caller
  readonly port: PortPipe
  told: readonly string[]
}

/** An egress whose trunks are served by workers, each by the one that has the fewest. */
export class SpreadEgress implements Egress {
  readonly services: readonly string[]
  readonly #hands: readonly Hand[]
  readonly #served = new Map<number, Served>()
  readonly #timer: NodeJS.Timeout
  #last = 0
  #draining = 0

  constructor(config: EgressConfig, hands: readonly Hand[]) {
    this.services = Object.keys(config.services)
    this.#hands = hands
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
  }

  /** Those under way in workers, and what they have said that has not gone on yet. */
  get exchanges(): number {
    const leaving = [...this.#served.values()].filter(({ port }) => port.waiting > 0).length
    return this.#draining + leaving + this.#hands.reduce((sum, { state }) => sum + state.exchanges, 0)
  }

  /** A backend is up where no worker has found it down the last time that it sent a request there. */
  describe(): ReturnType<Egress['describe']> {
    const [first, ...others] = this.#hands.map(({ state }) => state.services).filter(({ length }) => length > 0)
    const upAt = (service: number, backend: number) =>
      others.every((services) => services[service]?.backends[backend]?.up !== false)
    return (first ?? []).map(({ backends, service }, at) => ({
      service,
      backends: backends.map(({ origin, up }, index) => ({ origin, up: up && upAt(at, index) })),
    }))
  }

  accept(pipe: Pipe, caller: Caller): void {
    this.#last += 1
    const trunk = this.#last
    const hand = this.#idlest()
    if (hand === undefined) {
      pipe.abort(new PosternError('WORKER_LOST', 'the thread is over'))
      return
    }
    const { port1, port2 } = new MessageChannel()
    const { name, peer, services } = caller
    const port = new PortPipe(port1)
    this.#served.set(trunk, { hand, caller, port, told: services })
    hand.say({ type: 'accept', trunk, port: port2, caller: { name, peer, services } }, [port2])
    void joinPipes(pipe, port).then(() => {
      this.#served.delete(trunk)
      hand.say({ type: 'gone', trunk })
    })
  }

  drain(): void {
    for (const hand of this.#hands) {
      this.#draining += 1
      const done = () => {
        this.#draining -= 1
      }
      hand.call({ type: 'drain', side: 'egress' }).then(done, done)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.allSettled(this.#hands.map((hand) => hand.call({ type: 'close', side: 'egress' })))
  }

  #idlest(): Hand | undefined {
    const trunksOf = (hand: Hand) => [...this.#served.values()].filter((served) => served.hand === hand).length
    const living = this.#hands.filter(({ alive }) => alive).map((hand) => ({ hand, trunks: trunksOf(hand) }))
    return living.toSorted((a, b) => a.trunks - b.trunks)[0]?.hand
  }

  #look(): void {
    for (const [trunk, served] of this.#served) {
      const { services } = served.caller
      if (services.length === served.told.length && services.every((each, at) => each === served.told[at])) continue
      served.told = services
      served.hand.say({ type: 'caller', trunk, services })
    }
  }
}
