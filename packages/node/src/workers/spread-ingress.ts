import type { Ingress, IngressConfig } from '@postern/ingress'
import type { Hand } from './hand.ts'

/** An ingress whose workers all listen at the same addresses; each connection is with one of them. */
export class SpreadIngress implements Ingress {
  readonly urls: readonly string[]
  readonly #hands: readonly Hand[]
  #draining = 0

  private constructor(urls: readonly string[], hands: readonly Hand[]) {
    this.urls = urls
    this.#hands = hands
  }

  /** Throws what `startIngress` throws; then nothing listens. */
  static async start(config: IngressConfig, hands: readonly Hand[]): Promise<SpreadIngress> {
    const [first, ...others] = hands
    const share = (each: IngressConfig, index: number): IngressConfig => {
      const { bufferBytes, connections, connectionsPerAddress, exchangesPerService } = config.limits
      const part = (whole: number) => Math.max(1, Math.floor((whole + index) / hands.length))
      const limits = {
        bufferBytes: part(bufferBytes),
        connections: part(connections),
        connectionsPerAddress: part(connectionsPerAddress),
        exchangesPerService: part(exchangesPerService),
      }
      return { ...each, limits: { ...config.limits, ...limits } }
    }
    const urls = (await first?.call({ type: 'listen', config: share(config, 0), sharing: 'first' })) ?? []
    const ingress = new SpreadIngress(urls, hands)
    try {
      // Where any free port was asked for, it is the same for all.
      const listen = config.listen.map((each, at) => ({ ...each, url: urls[at] ?? each.url }))
      const started = others.map((hand, at) =>
        hand.call({ type: 'listen', config: share({ ...config, listen }, at + 1), sharing: 'next' }),
      )
      await Promise.all(started)
      return ingress
    } catch (error) {
      await ingress.close()
      throw error
    }
  }

  get requests(): number {
    return this.#draining + this.#hands.reduce((sum, { state }) => sum + state.requests, 0)
  }

  drain(): void {
    for (const hand of this.#hands) {
      this.#draining += 1
      const done = () => {
        this.#draining -= 1
      }
      hand.call({ type: 'drain', side: 'ingress' }).then(done, done)
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#hands.map((hand) => hand.call({ type: 'close', side: 'ingress' })))
  }
}
