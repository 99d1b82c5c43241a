import type { EgressConfig } from '@postern/egress'
import type { WatchedTrunks } from '@postern/protocol'
import type { Front, FrontInit } from '../front.ts'
import { Hand } from './hand.ts'
import { Lender } from './lender.ts'
import { SpreadEgress } from './spread-egress.ts'
import { SpreadIngress } from './spread-ingress.ts'

/** Starts the workers, each with the side that faces backends. Throws what one of them threw; then none is left. */
export async function startCrew({ config, logged, meter }: FrontInit): Promise<Front> {
  const { egress, ingress, workers } = config
  const starting = Array.from({ length: workers }, (_, index) =>
    Hand.start({ data: { egress: egress && shareOf(egress, index, workers), log: logged }, meter }),
  )
  const started = await Promise.allSettled(starting)
  const hands = started.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  const close = async () => {
    await Promise.all(hands.map((hand) => hand.end()))
  }
  for (const each of started) {
    if (each.status === 'fulfilled') continue
    await close()
    throw each.reason
  }
  return {
    egress: egress && new SpreadEgress(egress, hands),
    readers: workers,
    async listen(trunks: readonly WatchedTrunks[]) {
      if (ingress === undefined) return undefined
      for (const [at, hand] of hands.entries()) {
        const own = trunks[at]
        if (own !== undefined) new Lender(own, hand)
      }
      return await SpreadIngress.start(ingress, hands)
    },
    lost: Promise.race(hands.map(({ lost }) => lost)),
    threads: () =>
      hands.map(({ counters, state: { exchanges, requests } }) => ({
        requests,
        exchanges,
        counters: counters.snapshot(),
      })),
    close,
  }
}

/** What one worker may use of what the config allows to all. */
function shareOf(config: EgressConfig, index: number, workers: number): EgressConfig {
  const services = Object.entries(config.services).map(([name, service]) => {
    const part = (whole: number) => Math.max(1, Math.floor((whole + index) / workers))
    const { connections, connectionsPerClient, queue, tunnels } = service
    const limits = { connections: part(connections), queue: part(queue), tunnels: part(tunnels) }
    const perClient = connectionsPerClient && { connectionsPerClient: part(connectionsPerClient) }
    return [name, { ...service, ...limits, ...perClient }]
  })
  const bufferBytes = Math.max(1, Math.floor(config.bufferBytes / workers))
  return { ...config, bufferBytes, services: Object.fromEntries(services) as EgressConfig['services'] }
}
