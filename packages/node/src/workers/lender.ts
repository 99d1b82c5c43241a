import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type OpenTrunks, PosternError, type Trunk, type WatchedTrunks } from '@postern/protocol'
import type { Hand } from './hand.ts'
import { joinPipes } from './join-pipes.ts'
import { type FromThread, type LentTrunk, outcomeOf } from './messages.ts'
import { PortPipe } from './port-pipe.ts'

/** Lends the trunks of one pool to one worker, which is told what is open, and whose searches are made here. */
export class Lender {
  readonly #trunks: WatchedTrunks
  readonly #hand: Hand
  readonly #numbers = new Map<Trunk, number>()
  readonly #lent = new Map<number, Trunk>()
  #last = 0

  constructor(trunks: WatchedTrunks, hand: Hand) {
    this.#trunks = trunks
    this.#hand = hand
    hand.listener = (said) => this.#hear(said)
    trunks.watch((open) => this.#tell(open))
  }

  #tell({ offers, trunks }: OpenTrunks): void {
    const open = new Set(trunks)
    for (const [trunk, number] of this.#numbers) {
      if (open.has(trunk)) continue
      this.#numbers.delete(trunk)
      this.#lent.delete(number)
    }
    const lent = trunks.map((trunk) => this.#lend(trunk))
    const ports = lent.flatMap(({ port }): MessagePort[] => (port === undefined ? [] : [port]))
    this.#hand.say({ type: 'open', offers, trunks: lent }, ports)
  }

  #lend(trunk: Trunk): LentTrunk {
    const { egress, path, services } = trunk
    const known = this.#numbers.get(trunk)
    if (known !== undefined) return { egress, path, services, trunk: known, port: undefined }
    this.#last += 1
    this.#numbers.set(trunk, this.#last)
    this.#lent.set(this.#last, trunk)
    const { port1, port2 } = new MessageChannel()
    void joinPipes(trunk.pipe, new PortPipe(port1))
    return { egress, path, services, trunk: this.#last, port: port2 }
  }

  #hear(said: FromThread): void {
    if (said.type === 'retire') this.#lent.get(said.trunk)?.retire()
    else if (said.type === 'search') void this.#search(said)
  }

  async #search({ not, search, service, waitMs }: Extract<FromThread, { type: 'search' }>): Promise<void> {
    const tried = new Set(not.flatMap((number) => this.#lent.get(number) ?? []))
    const trunk = await outcomeOf(async () => {
      const number = this.#numbers.get(await this.#trunks.get(service, { waitMs, not: tried }))
      if (number === undefined) throw new PosternError('SERVICE_UNREACHABLE', 'the trunk was lost at once')
      return number
    })
    this.#hand.say({ type: 'found', search, trunk })
  }
}
